import { expect, test } from 'vitest';
import { generatedRun } from '../../test/support/generated-run.ts';
import { parseStrictly } from '../../test/support/well-formed.ts';
import { summaryText } from '../output/summary.ts';
import type { RunResult } from '../result.ts';
import { githubAnnotations } from './annotations.ts';
import { duration, letters } from './format.ts';
import { junitXml } from './junit.ts';
import { reportModel } from './model/model.ts';
import { reportPage } from './page/page.ts';
import { MOST_SUMMARY_BYTES, summaryMarkdown } from './summary-markdown.ts';

const broken = generatedRun({ seconds: 20, operations: 2_000, seed: 7, violation: true });
const passed = generatedRun({ seconds: 20, operations: 2_000, seed: 7, violation: false });
const EVIL = `"'><b>|\`x\`]]>&\u0000\u001B\n::error::%0A @you [a](http://b)`;
const evil: RunResult = {
  ...broken.result,
  scenario: EVIL,
  sentence: EVIL,
  file: 'a,b:c.yaml',
  expectations: [{ group: 'always', name: EVIL, status: 'fail', detail: EVIL, line: 3 }],
  violations: [{ property: EVIL, anomaly: EVIL, prose: EVIL, key: EVIL }],
};

test('JUnit: one case per expectation; fail, unknown and skipped are failure, error and skipped', () => {
  const elements = parseStrictly(junitXml(broken.result));
  const count = (name: string): number => elements.filter((e) => e.name === name).length;
  expect([count('testcase'), count('failure'), count('error'), count('skipped')]).toEqual([6, 2, 1, 1]);
  const suite = elements.find((e) => e.name === 'testsuite')!.attributes;
  expect(['tests', 'failures', 'errors', 'skipped'].map((name) => suite.get(name))).toEqual([
    '6',
    '2',
    '1',
    '1',
  ]);
  expect(elements.find((e) => e.name === 'failure')!.text).toContain('returned');
});

test('an expectation that was not judged is skipped in JUnit and named in the summary, with the reason', () => {
  const detail = 'not judged: the system opaque does not report what this takes';
  const open = { group: 'always', name: 'durability', status: 'not-judged', detail } as const;
  const result = { ...passed.result, expectations: [open] };
  const elements = parseStrictly(junitXml(result));
  expect(elements.find((e) => e.name === 'skipped')!.attributes.get('message')).toBe(detail);
  const suite = elements.find((e) => e.name === 'testsuite')!.attributes;
  expect(['failures', 'errors', 'skipped'].map((name) => suite.get(name))).toEqual(['0', '0', '1']);
  expect(summaryMarkdown(reportModel({ ...passed, result }))).toContain(
    `not judged | durability | always | ${detail}`,
  );
});

test('JUnit: a run that failed before anything was checked is an error, not an empty success', () => {
  const elements = parseStrictly(
    junitXml({ ...passed.result, verdict: 'error', error: 'no port', expectations: [] }),
  );
  expect(elements.find((e) => e.name === 'error')!.text).toBe('no port');
  expect(elements.find((e) => e.name === 'testsuite')!.attributes.get('errors')).toBe('1');
});

test('JUnit: no two cases have the same class and name, even with repeated steps and over runs with other seeds', () => {
  const wait = { group: 'steps', name: 'wait until converged', status: 'pass', detail: '' } as const;
  const expectations = [
    wait,
    { ...wait, name: 'wait until converged #2' },
    wait,
    { ...wait, group: 'always' },
    wait,
  ];
  const names = [7, 8].flatMap((seed) =>
    parseStrictly(junitXml({ ...passed.result, seed, expectations } as RunResult)).flatMap(
      ({ name, attributes }) =>
        name === 'testcase' ? [`${attributes.get('classname')} ${attributes.get('name')}`] : [],
    ),
  );
  expect(names).toHaveLength(10);
  expect(new Set(names).size).toBe(10);
  expect(names[2]).toBe(`${passed.result.scenario}-seed-7.steps wait until converged #3`);
});

test('JUnit stays well-formed with any names', () => {
  const elements = parseStrictly(junitXml(evil));
  expect(elements.find((e) => e.name === 'testsuite')!.attributes.get('name')).toContain('"\'><b>|`x`]]>&␀␛');
});

test('the summary is small enough for GitHub, even with a thousand long expectations', () => {
  const expectations = Array.from({ length: 1_000 }, (_, i) => ({
    ...evil.expectations[0]!,
    name: `${i} ${'ü|'.repeat(500)}`,
  }));
  const text = summaryMarkdown(reportModel({ ...broken, result: { ...evil, expectations } }));
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MOST_SUMMARY_BYTES);
  expect(text).toContain('report.html');
});

test('no text from a run becomes markup in the summary', () => {
  const text = summaryMarkdown(reportModel({ ...broken, result: evil }));
  const row = text.split('\n').find((line) => line.startsWith('| ❌'))!;
  expect(row.replaceAll(String.raw`\|`, '').split('|')).toHaveLength(6);
  expect(text).not.toContain('<b>');
  expect(text).not.toMatch(/(?<!\\)\[a\]\(/);
  expect(text).not.toContain('@you');
});

test('annotations: at most ten, errors first, at the scenario’s line; none for a run that passed', () => {
  const expectations = Array.from({ length: 20 }, () => broken.result.expectations[1]!);
  const lines = githubAnnotations({ ...broken.result, expectations });
  expect(lines).toHaveLength(10);
  expect(lines[0]).toMatch(
    /^::error file=scenarios\/partition-leader\.yaml,line=18,title=partition-leader%3A stale read::/,
  );
  const clean = passed.result.expectations.filter((e) => e.status === 'pass');
  expect(githubAnnotations({ ...passed.result, expectations: clean })).toEqual([]);
});

test('an annotation is one line and one command with any names', () => {
  for (const line of githubAnnotations(evil)) {
    expect(line).not.toContain('\n');
    expect(line).toMatch(/^::error file=a%2Cb%3Ac\.yaml,line=3,title=[^,:]*::/);
    expect(line).toContain('%250A');
  }
});

test('figures have a readable format at every size', () => {
  const read = [0, 0.25, 3.14, 9.96, 42, 999.6, 1_234, 9_996, 61_000, 125_000].map(duration);
  expect(read).toEqual([
    '0 ms',
    '250 µs',
    '3.1 ms',
    '10 ms',
    '42 ms',
    '1.00 s',
    '1.23 s',
    '10.0 s',
    '61.0 s',
    '2 min 05 s',
  ]);
  expect([0, 25, 26, 701, 702].map(letters)).toEqual(['A', 'Z', 'AA', 'ZZ', 'AAA']);
});

test('a run whose harness was stopped says so in the summary, on the terminal, and in the timeline of the page', () => {
  const stalls = [
    { from: 5_000, to: 10_000 },
    { from: 12_000, to: 12_500 },
  ];
  const model = reportModel({ ...passed, result: { ...passed.result, stalls } });
  const text = 'the harness was stopped for 5.5 s in all, 2 times';
  expect(summaryMarkdown(model)).toContain(text);
  expect(summaryText(model.result, { width: 120, color: false })).toContain(text);
  const page = parseStrictly(reportPage(model));
  expect(page.some((element) => element.text.includes(text))).toBe(true);
  const titles = page.filter(({ name }) => name === 'title').map((element) => element.text);
  expect(titles.filter((title) => title.startsWith('the harness was stopped: '))).toHaveLength(2);
  expect(summaryMarkdown(reportModel(passed))).not.toContain('stopped');
});
