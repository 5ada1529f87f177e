import type { z } from 'zod';

/** Something that is wrong with a value of a scenario, as data. The loader adds the place and renders it, once. */
export interface Mistake {
  readonly what: string;
  /** How to fix it, unless one of `known` is near enough to what was written. */
  readonly hint?: string;
  /** Names that are right here, for "did you mean". */
  readonly known?: readonly string[];
  /** The word that is compared with `known`; the value itself if absent. */
  readonly word?: string;
}

/** A key that a map does not have. `planned`: names that the language has and this version does not. */
export interface UnknownKey {
  readonly unknownKey: { readonly known: readonly string[]; readonly planned: readonly string[] };
}

/** Reports a mistake from inside of a zod transform or refinement. `path`: the part of the value that it is about. */
export function report(
  context: z.core.$RefinementCtx,
  mistake: Mistake,
  path: readonly (string | number)[] = [],
): void {
  context.addIssue({ code: 'custom', params: { ...mistake }, path: [...path] });
}

/** The mistake as an option of zod's `refine`. */
export const mistaken = (mistake: Mistake): { readonly params: Record<string, unknown> } => ({
  params: { ...mistake },
});
