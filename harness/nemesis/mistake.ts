import type { z } from 'zod';

/** A mistake in a value of a scenario, as data. The loader adds its place and makes the message. */
export interface Mistake {
  readonly what: string;
  /** How to fix it; it is shown if no word of `known` is similar to the written one. */
  readonly hint?: string;
  /** Names that are valid at this place, for "did you mean". */
  readonly known?: readonly string[];
  /** The word that is compared with `known`; the value itself if absent. */
  readonly word?: string;
}

/** A key that a map does not have. `planned` has names of the language that this version does not support. */
export interface UnknownKey {
  readonly unknownKey: { readonly known: readonly string[]; readonly planned: readonly string[] };
}

/** Reports a mistake from inside a zod transform or refinement. `path` is the part of the value that is wrong. */
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
