import type { z } from 'zod';
import { KNOWN_KEYS } from '../../nemesis/fields.ts';
import { SELECTOR_WORDS } from '../../nemesis/selector.ts';
import { nearest } from './nearest.ts';
import type { Path, Places, ScenarioError } from './position.ts';
import { UNBUILT_VERBS, VERBS } from './step-schema.ts';

type Issue = z.core.$ZodIssue;

/** What zod found, as errors at the tokens they are about. `raw` is the file as plain data. */
export function problemsOf(
  issues: readonly Issue[],
  raw: unknown,
  places: Places,
  base: Path = [],
): ScenarioError[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...(issue.path as (string | number)[])];
    if (issue.code === 'invalid_union') return problemsOf(bestBranch(issue), raw, places, path);
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => unknownKey(key, path, issue.message, places));
    return [plainProblem(issue, path, raw, places)];
  });
}

/** The branch that the value was most likely meant for: one whose type fits; else the one with words of its own. */
function bestBranch(issue: Issue & { readonly code: 'invalid_union' }): readonly Issue[] {
  const branches = issue.errors as readonly (readonly Issue[])[];
  const fitting = branches.find((branch) => branch.length > 0 && !branch.some(isMismatch));
  const worded = branches.find((branch) =>
    branch.some((inner) => inner.code === 'invalid_union' || !inner.message.startsWith('Invalid')),
  );
  return fitting ?? worded ?? branches[0] ?? [];
}

/** The value is not of this branch's type at all. */
function isMismatch(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_union') return issue.errors.every((branch) => branch.some(isMismatch));
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

function unknownKey(key: string, path: Path, message: string, places: Places): ScenarioError {
  const at = [...path, key];
  const known = message.startsWith(KNOWN_KEYS) ? message.slice(KNOWN_KEYS.length).split(' ') : [];
  if ((UNBUILT_VERBS as readonly string[]).includes(key) && known.includes('partition')) {
    return places.at(
      at,
      'key',
      `\`${key}\` is not built yet`,
      `this version has ${VERBS.map((verb) => `\`${verb}\``).join(', ')}`,
    );
  }
  const near = nearest(key, known);
  const where = typeof path.at(-1) === 'string' ? ` in \`${path.at(-1)}\`` : '';
  return places.at(
    at,
    'key',
    `unknown key \`${key}\`${where}`,
    near === null ? `known: ${known.join(', ')}` : `did you mean \`${near}\`?`,
  );
}

function plainProblem(issue: Issue, path: Path, raw: unknown, places: Places): ScenarioError {
  const value = valueAt(raw, path);
  const last = path.at(-1);
  if (value === undefined && typeof last === 'string') {
    const inside = path.at(-2);
    const where = typeof inside === 'string' ? ` in \`${inside}\`` : '';
    return places.at(path.slice(0, -1), 'key', `\`${last}\` is missing${where}`, hintOf(issue));
  }
  const [said, hint] = issue.message.split(' | ') as [string, string | undefined];
  if (said.startsWith('unknown selector')) {
    const near = nearest(String(value), SELECTOR_WORDS);
    return places.at(
      path,
      'value',
      said,
      near === null ? `known: ${SELECTOR_WORDS.join(', ')}, n1, not(…), $name` : `did you mean \`${near}\`?`,
    );
  }
  if (issue.code === 'invalid_value' && issue.values.length > 1) {
    const near = nearest(String(value), issue.values.map(String));
    const choice = issue.values.map((each) => `\`${String(each)}\``).join(', ');
    return places.at(
      path,
      'value',
      `\`${String(value)}\` is not one of ${choice}`,
      near === null ? null : `did you mean \`${near}\`?`,
    );
  }
  const message = said.startsWith('Invalid input: ') ? said.slice('Invalid input: '.length) : said;
  return places.at(path, 'value', message, hint ?? null);
}

/** Of a missing value, only what it should have looked like is worth telling. */
function hintOf(issue: Issue): string | null {
  return issue.message.startsWith('expected') ? issue.message : null;
}

function valueAt(raw: unknown, path: Path): unknown {
  let value = raw;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[segment];
  }
  return value;
}
