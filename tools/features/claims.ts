import { readFileSync } from 'node:fs';

/** A test that docs/node.md names: its file, and its name as written in the source. */
export interface Claim {
  readonly file: string;
  readonly name: string;
}

const PAGE = new URL('../../docs/node.md', import.meta.url);
const TRANSITIONS = '## Role transitions';

/** A row of docs/node.md. */
export interface FeatureRow {
  readonly feature: string;
  /** Text of the column `where`. */
  readonly where: string;
  readonly claims: readonly Claim[];
}

/** Reads the table of docs/node.md: each feature, and the tests that must fail without it. */
export function featureRows(): readonly FeatureRow[] {
  const [features] = readFileSync(PAGE, 'utf8').split(TRANSITIONS);
  return rowsOf(features!).map(([feature, where, tests]) => ({
    feature: feature!,
    where: where!,
    claims: claimsOf(tests!),
  }));
}

/** A row of the table of role transitions in docs/node.md. */
export interface TransitionRow {
  readonly trigger: string;
  /** Text of the column `where`. */
  readonly where: string;
  /** Texts of the column `reason in the trace`; `…` means any text. */
  readonly reasons: readonly string[];
  readonly claims: readonly Claim[];
}

export function transitionRows(): readonly TransitionRow[] {
  const [, transitions] = readFileSync(PAGE, 'utf8').split(TRANSITIONS);
  return rowsOf(transitions!).map(([trigger, , , where, reasons, tests]) => ({
    trigger: trigger!,
    where: where!,
    reasons: [...reasons!.matchAll(/`([^`]+)`/g)].map(([, reason]) => reason!),
    claims: claimsOf(tests!),
  }));
}

/** Cells of each row of a Markdown table, without its head. */
const rowsOf = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (?:feature|trigger) /.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1)
        .map((cell) => cell.trim()),
    );

const claimsOf = (cell: string): readonly Claim[] =>
  [...cell.matchAll(/`([\w./-]+\.test\.ts)`: “([^”]+)”/g)].map(([, file, name]) => ({
    file: file!,
    name: name!,
  }));

/**
 * Pattern that matches the titles of a test by its name in the source. Its placeholders (`%i`, `$name`, `${name}`)
 * match any text.
 */
export function titlePattern(name: string): string {
  const placeholder = /%\w|\$\{\w+\}|\$[\w.]+/;
  return name
    .split(placeholder)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('.+');
}
