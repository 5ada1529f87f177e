import type { z } from 'zod';
import type { Mistake, UnknownKey } from '../../nemesis/mistake.ts';
import { nearest } from './nearest.ts';
import type { Path, Places, ScenarioError } from './position.ts';
import { VERBS } from './step-keys.ts';

type Issue = z.core.$ZodIssue;

/** What is wrong with a file's data, and where in the data. */
export interface Problem extends Mistake {
  readonly path: Path;
  /** Whether the value of `path` is wrong or its key. */
  readonly part: 'key' | 'value';
}

/** For zod's `error` option: an issue without words of its own gets them in this file and not from zod's locale. */
export const noWords = (): string => '';

/** Everything that zod found. `raw` is the file as plain data. */
export function problemsOf(issues: readonly Issue[], raw: unknown, base: Path = []): Problem[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...(issue.path as (string | number)[])];
    if (issue.code === 'invalid_union') return problemsOf(bestBranch(issue), raw, path);
    return [problemOf(issue, path, raw)];
  });
}

/** Renders a problem. This is the only place where messages and hints are put together. */
export function inWords({ what, hint, known = [], word = '' }: Mistake): {
  readonly message: string;
  readonly hint: string | null;
} {
  const near = nearest(word, known);
  return { message: what, hint: near === null ? (hint ?? null) : `did you mean \`${near}\`?` };
}

/** A problem at its token in the file. */
export function atPlace(problem: Problem, places: Places): ScenarioError {
  const { message, hint } = inWords(problem);
  return places.at(problem.path, problem.part, message, hint);
}

/** The branch that the value was most likely meant for: one whose type fits; else the one with words of its own. */
function bestBranch(issue: Issue & { readonly code: 'invalid_union' }): readonly Issue[] {
  const branches = issue.errors as readonly (readonly Issue[])[];
  const fitting = branches.find((branch) => branch.length > 0 && !branch.some(isMismatch));
  const worded = branches.find((branch) =>
    branch.some((inner) => inner.code === 'invalid_union' || hasWords(inner)),
  );
  return fitting ?? worded ?? branches[0] ?? [];
}

/** The value is not of this branch's type at all. */
function isMismatch(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_union') return issue.errors.every((branch) => branch.some(isMismatch));
  return isWrongType(issue);
}

const isWrongType = ({ code }: Issue): boolean => code === 'invalid_type' || code === 'invalid_value';
const hasWords = (issue: Issue): boolean => issue.message !== '' || issue.code === 'custom';

function problemOf(issue: Issue, path: Path, raw: unknown): Problem {
  const value = valueAt(raw, path);
  const last = path.at(-1);
  if (value === undefined && typeof last === 'string') {
    const what = `\`${last}\` is missing${inside(path.slice(0, -1))}`;
    // If a value is missing, the hint says what it should look like.
    const hint = isWrongType(issue) ? issue.message : '';
    return { path: path.slice(0, -1), part: 'key', what, ...(hint !== '' && { hint }) };
  }
  const params = issue.code === 'custom' ? (issue.params as Mistake | UnknownKey | undefined) : undefined;
  if (params !== undefined && 'unknownKey' in params)
    return { path, part: 'key', ...unknownKey(String(last), path, params) };
  const place = { path, part: 'value', word: String(value) } as const;
  if (params !== undefined) return { ...place, ...params };
  if (issue.code === 'invalid_value' && issue.values.length > 1) {
    const known = issue.values.map(String);
    const choice = known.map((each) => `\`${each}\``).join(', ');
    return { ...place, what: `\`${String(value)}\` is not one of ${choice}`, known };
  }
  return { ...place, what: issue.message === '' ? describe(issue) : issue.message };
}

function unknownKey(key: string, path: Path, { unknownKey: { known, planned } }: UnknownKey): Mistake {
  if (planned.includes(key)) {
    const verbs = VERBS.map((verb) => `\`${verb}\``).join(', ');
    return { what: `\`${key}\` is not built yet`, hint: `this version has ${verbs}` };
  }
  const what = `unknown key \`${key}\`${inside(path.slice(0, -1))}`;
  return { what, hint: `known: ${known.join(', ')}`, known, word: key };
}

/** ` in \`partition\``, if the map has a name. */
const inside = (map: Path): string => (typeof map.at(-1) === 'string' ? ` in \`${map.at(-1)}\`` : '');

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a map',
};

/** Words for a check that has none of its own. */
function describe(issue: Issue): string {
  if (issue.code === 'invalid_type') return `expected ${NOUNS[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value') return `expected \`${String(issue.values[0])}\``;
  if (issue.code === 'too_big') return `expected at most ${issue.maximum}${unitOf(issue.origin)}`;
  if (issue.code === 'too_small') return `expected at least ${issue.minimum}${unitOf(issue.origin)}`;
  return 'not a valid value';
}

const unitOf = (origin: string): string =>
  origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '';

function valueAt(raw: unknown, path: Path): unknown {
  let value = raw;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[segment];
  }
  return value;
}
