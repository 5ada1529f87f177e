import { LineCounter } from 'yaml';
import { buildScenario } from './build.ts';
import { EXTENSION, file } from './file-schema.ts';
import { plainData } from './plain-data.ts';
import { mistakesOf, Places, type Finding, type Mistakes } from './position.ts';
import { atPlace, noWords, problemsOf } from './problem.ts';
import { checkReferences } from './references.ts';
import type { ChooseBySystem, Scenario } from './schema.ts';
import { tooManySteps } from './step-count.ts';
import { readYaml } from './yaml-text.ts';

export { formatErrors } from './position.ts';

export type Loaded = { readonly ok: true; readonly scenario: Scenario } | ({ readonly ok: false } & Mistakes);

/** Maximum number of characters of a scenario. A wrong file (a core dump, a history) would take long to parse. */
export const MAX_CHARACTERS = 200_000;

/**
 * Reads a scenario, or reports its mistakes in the order of the file. `path` is only for messages. `choose` returns the
 * stage and the system; a step that these cannot do is a mistake. If it is absent, everything is possible.
 */
export function loadScenario(path: string, text: string, choose?: ChooseBySystem): Loaded {
  const refuse = (findings: readonly Finding[], lines = linesOf(text)): Loaded => ({
    ok: false,
    ...mistakesOf(path, text, findings, lines),
  });
  const early = notText(text);
  if (early !== null) return refuse([early]);
  const yaml = readYaml(text);
  const { lines } = yaml;
  if (!yaml.ok) return refuse(yaml.findings, lines);
  if (yaml.document === null || yaml.document.contents === null) return refuse([EMPTY], lines);
  const { data, placed, findings, whole } = plainData(yaml.document, text);
  if (!whole) return refuse(findings, lines);
  const raw = withoutExtensions(data);
  const places = new Places(lines, placed);
  const parsed = file.safeParse(raw, { error: noWords });
  const problems = [
    ...(parsed.success ? [] : problemsOf(parsed.error.issues, raw)),
    ...checkReferences(raw, choose),
    ...tooManySteps((raw as { readonly steps?: unknown } | null)?.steps),
  ];
  const all = [...findings, ...problems.map((problem) => atPlace(problem, places))];
  if (all.length > 0 || !parsed.success) return refuse(all, lines);
  return { ok: true, scenario: buildScenario(parsed.data, raw as Record<string, unknown>, path, places) };
}

const EMPTY: Finding = {
  start: 0,
  end: 1,
  message: 'the file is empty',
  hint: 'a scenario begins with `apiVersion: chaos/v1`; see docs/scenarios.md',
};

function notText(text: string): Finding | null {
  if (text.length > MAX_CHARACTERS) {
    const message = `too large for a scenario: ${text.length} characters`;
    return { start: 0, end: 1, message, hint: `at most ${MAX_CHARACTERS}` };
  }
  // The second one replaces bytes that are not UTF-8.
  const start = text.search(/[\0\uFFFD]/);
  if (start < 0) return null;
  return { start, end: start + 1, message: 'not a text file', hint: 'a scenario is YAML in UTF-8' };
}

function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return lines;
}

function withoutExtensions(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return data;
  return Object.fromEntries(Object.entries(data).filter(([key]) => !EXTENSION.test(key)));
}
