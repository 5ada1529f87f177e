import { readFileSync } from 'node:fs';

/** A test that docs/node.md names: its file, and its name as written in the source. */
export interface Claim {
  readonly file: string;
  readonly name: string;
}

/** A row of docs/node.md. */
export interface FeatureRow {
  readonly feature: string;
  /** Text of the column `where`. */
  readonly where: string;
  readonly claims: readonly Claim[];
}

/** Reads the table of docs/node.md: each feature, and the tests that must fail without it. */
export function featureRows(): readonly FeatureRow[] {
  const page = readFileSync(new URL('../../docs/node.md', import.meta.url), 'utf8');
  const lines = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| feature'));
  return lines.map((line) => {
    const [feature, where, tests] = line
      .split('|')
      .slice(1)
      .map((cell) => cell.trim());
    const claims = [...tests!.matchAll(/`([\w./-]+\.test\.ts)`: “([^”]+)”/g)];
    return {
      feature: feature!,
      where: where!,
      claims: claims.map(([, file, name]) => ({ file: file!, name: name! })),
    };
  });
}

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
