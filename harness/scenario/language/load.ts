import { LineCounter, parseDocument, type Document } from 'yaml';
import { buildScenario } from './build.ts';
import { file } from './file-schema.ts';
import { Places, type ScenarioError } from './position.ts';
import { atPlace, noWords, problemsOf } from './problem.ts';
import { checkReferences } from './references.ts';
import type { ChooseBySystem, Scenario } from './schema.ts';

export { formatErrors } from './position.ts';
export type { ScenarioError } from './position.ts';

export type Loaded =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly errors: readonly ScenarioError[] };

/** Maximum number of characters of a scenario. A wrong file (a core dump, a history) would be parsed for minutes. */
const MAX_CHARACTERS = 1_000_000;

/**
 * Reads a scenario, or reports everything that is wrong with it, in the order of the file. `path` is only for messages.
 * `choose`: what it is to run on; a step that this cannot do is an error. Absent: everything is possible.
 */
export function loadScenario(path: string, text: string, choose?: ChooseBySystem): Loaded {
  const early = notText(path, text);
  if (early !== null) return { ok: false, errors: [early] };
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, version: '1.2' });
  const places = new Places(path, text, counter, document);
  const syntax = document.errors.map((error) =>
    places.span(error.pos[0], error.pos[1], yamlMessage(error), yamlHint(error)),
  );
  // After a syntax error the parsed data is unreliable. A duplicate key is no problem in this respect.
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY'))
    return { ok: false, errors: inOrder(syntax) };
  const raw = plainData(document);
  if (raw instanceof Error) return { ok: false, errors: [...syntax, places.span(0, 1, raw.message)] };
  if (raw === null || raw === undefined) {
    return {
      ok: false,
      errors: [
        places.span(
          0,
          1,
          'the file is empty',
          'a scenario begins with `apiVersion: chaos/v1`; see docs/scenarios.md',
        ),
      ],
    };
  }
  const parsed = file.safeParse(raw, { error: noWords });
  const problems = [
    ...(parsed.success ? [] : problemsOf(parsed.error.issues, raw)),
    ...checkReferences(raw, choose),
  ];
  const errors = [...syntax, ...problems.map((problem) => atPlace(problem, places))];
  if (errors.length > 0 || !parsed.success) return { ok: false, errors: inOrder(errors) };
  return { ok: true, scenario: buildScenario(parsed.data, raw as Record<string, unknown>, path, places) };
}

function notText(path: string, text: string): ScenarioError | null {
  const places = new Places(path, '', new LineCounter(), null);
  if (text.length > MAX_CHARACTERS)
    return places.span(
      0,
      1,
      `too large for a scenario: ${text.length} characters`,
      `at most ${MAX_CHARACTERS}`,
    );
  const odd = text.includes('\0') || text.includes('\uFFFD');
  return !odd ? null : places.span(0, 1, 'not a text file', 'a scenario is YAML in UTF-8');
}

function plainData(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function yamlMessage({ code, message }: { readonly code: string; readonly message: string }): string {
  if (code === 'TAB_AS_INDENT') return 'a tab in the indentation';
  if (code === 'DUPLICATE_KEY') return 'the same key twice in one map';
  if (code === 'MULTIPLE_DOCS') return 'a second document in the file';
  return `not YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}

function yamlHint({ code }: { readonly code: string }): string | null {
  if (code === 'TAB_AS_INDENT') return 'indent with spaces';
  if (code === 'DUPLICATE_KEY') return 'only one of them can hold: remove the other';
  if (code === 'MULTIPLE_DOCS') return 'one scenario per file: end it before the `---`';
  return null;
}

/** Sorts errors by their place in the file. If two checks found the same error, it is listed once. */
function inOrder(errors: readonly ScenarioError[]): readonly ScenarioError[] {
  const sorted = [...errors].sort((a, b) => a.line - b.line || a.column - b.column);
  return sorted.filter(
    (error, i) =>
      !sorted
        .slice(0, i)
        .some(
          (other) =>
            other.line === error.line && other.column === error.column && other.message === error.message,
        ),
  );
}
