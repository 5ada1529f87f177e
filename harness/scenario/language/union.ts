import type { z } from 'zod';

type Issue = z.core.$ZodIssue;
type UnionIssue = z.core.$ZodIssueInvalidUnion;
type Branch = readonly Issue[];

/** Words for the types that zod names. */
export const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a map',
};

/**
 * Returns the issues of the form that the value was probably meant to have, which is the first form whose type fits.
 * Null if the value fits none.
 */
export function fittingBranch(issue: UnionIssue): Branch | null {
  return branchesOf(issue).find((branch) => branch.length > 0 && !branch.some(isMismatch)) ?? null;
}

/** Describes every form that a value may have. `literals` are the forms that are fixed words. */
export function formsOf(issue: UnionIssue): {
  readonly forms: readonly string[];
  readonly literals: readonly string[];
} {
  const forms = new Set<string>();
  const literals: string[] = [];
  for (const branch of branchesOf(issue)) {
    const mismatch = branch.find(isMismatch);
    if (mismatch === undefined) continue;
    if (mismatch.code === 'invalid_value' && mismatch.message === '') {
      literals.push(...mismatch.values.map(String));
      for (const value of mismatch.values) forms.add(`\`${String(value)}\``);
    } else forms.add(formOf(mismatch));
  }
  return { forms: [...forms], literals };
}

/** Returns the branches of a union, and of the unions inside it, as one list. */
function branchesOf(issue: UnionIssue): readonly Branch[] {
  return (issue.errors as readonly Branch[]).flatMap((branch) => {
    const [only] = branch;
    const nested = branch.length === 1 && only?.path.length === 0 && only.code === 'invalid_union';
    return nested ? branchesOf(only) : [branch];
  });
}

/** True if the value does not even have the type of this form. */
const isMismatch = (issue: Issue): boolean =>
  issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');

function formOf(issue: Issue): string {
  if (issue.message !== '') return issue.message.replace(/^expected /, '');
  return issue.code === 'invalid_type' ? (NOUNS[issue.expected] ?? issue.expected) : 'another value';
}
