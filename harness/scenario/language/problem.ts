import type { z } from 'zod';
import type { Mistake, UnknownKey } from '../../nemesis/mistake.ts';
import { nearest } from './nearest.ts';
import type { Finding, Path, Places } from './position.ts';
import { fittingBranch, formsOf, NOUNS } from './union.ts';
import { VERBS } from './step-keys.ts';

type Issue = z.core.$ZodIssue;
type UnionIssue = z.core.$ZodIssueInvalidUnion;

/** A mistake in the data of a file, and its place in the data. */
export interface Problem extends Mistake {
  readonly path: Path;
  /** The part that is wrong: the value of `path`, or its key. */
  readonly part: 'key' | 'value';
}

/** For zod's `error` option: an issue without words of its own gets them in this file and not from zod's locale. */
export const noWords = (): string => '';

/** Everything that zod found. `raw` is the file as plain data. */
export function problemsOf(issues: readonly Issue[], raw: unknown, base: Path = []): Problem[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...(issue.path as (string | number)[])];
    if (issue.code === 'invalid_union') return unionProblems(issue, path, raw);
    return [problemOf(issue, path, raw)];
  });
}

/**
 * Describes the mistake in a value that may have several forms: either within the form that was probably meant, or that
 * the value has none of the forms.
 */
function unionProblems(issue: UnionIssue, path: Path, raw: unknown): Problem[] {
  const { forms, literals } = formsOf(issue);
  const value = valueAt(raw, path);
  const meant = value === undefined ? null : fittingBranch(issue);
  if (meant === null) {
    const what = `expected ${forms.join(' or ')}`;
    if (value === undefined) return [missing(path, what)];
    const hint = forms.includes(NOUNS['boolean']!) ? oldBoolean(value) : null;
    const place = { path, part: 'value', word: wordOf(value), known: literals } as const;
    return [{ ...place, what, ...(hint !== null && { hint }) }];
  }
  return problemsOf(meant, raw, path).map((problem) => {
    // The text is none of the allowed words, and has none of the other forms.
    if (problem.path.length !== path.length || literals.length === 0) return problem;
    const words = literals.map((word) => `\`${word}\``).join(' or ');
    const hint = problem.hint === undefined ? `or ${words}` : `${problem.hint}, or ${words}`;
    const { word = wordOf(value), known = [] } = problem;
    return { ...problem, hint, word, known: [...known, ...literals] };
  });
}

/** In YAML 1.1, and in many programs, these words are truth values. */
function oldBoolean(value: unknown): string | null {
  const word = wordOf(value).toLowerCase();
  const meant = ['yes', 'on', 'y'].includes(word)
    ? 'true'
    : ['no', 'off', 'n'].includes(word)
      ? 'false'
      : null;
  return meant === null ? null : `\`${wordOf(value)}\` is text in YAML 1.2: write \`${meant}\``;
}

/** The value as text, for a comparison with the words that are known; empty if it is a list or a map. */
const wordOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

/** Renders a problem. This is the only place where messages and hints are put together. */
export function inWords({ what, hint, known = [], word = '' }: Mistake): {
  readonly message: string;
  readonly hint: string | null;
} {
  const near = nearest(word, known);
  return { message: what, hint: near === null ? (hint ?? null) : `did you mean \`${near}\`?` };
}

/** A problem at its token in the file. */
export function atPlace(problem: Problem, places: Places): Finding {
  return { ...places.at(problem.path, problem.part), ...inWords(problem) };
}

function problemOf(issue: Issue, path: Path, raw: unknown): Problem {
  const value = valueAt(raw, path);
  const last = path.at(-1);
  if (value === undefined && typeof last === 'string')
    return missing(path, isWrongType(issue) ? issue.message : '');
  const params = issue.code === 'custom' ? (issue.params as Mistake | UnknownKey | undefined) : undefined;
  if (params !== undefined && 'unknownKey' in params)
    return { path, part: 'key', ...unknownKey(String(last), path, params) };
  const place = { path, part: 'value', word: wordOf(value) } as const;
  if (params !== undefined) return { ...place, ...params };
  if (issue.code === 'invalid_value' && issue.values.length > 1) {
    const known = issue.values.map(String);
    const choice = known.map((each) => `\`${each}\``).join(', ');
    const word = wordOf(value);
    const what = word === '' ? `expected one of ${choice}` : `\`${word}\` is not one of ${choice}`;
    return { ...place, what, known };
  }
  return { ...place, what: issue.message === '' ? describe(issue) : issue.message };
}

/** A value that is missing. The hint says what it should look like. */
function missing(path: Path, hint: string): Problem {
  const what = `\`${String(path.at(-1))}\` is missing${inside(path.slice(0, -1))}`;
  return { path: path.slice(0, -1), part: 'key', what, ...(hint !== '' && { hint }) };
}

const isWrongType = ({ code }: Issue): boolean => code === 'invalid_type' || code === 'invalid_value';

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
