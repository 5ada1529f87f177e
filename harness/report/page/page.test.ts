import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { generatedRun } from '../../../test/support/generated-run.ts';
import { parseStrictly } from '../../../test/support/well-formed.ts';
import type { Element } from '../../../test/support/well-formed.ts';
import type { HarnessEvent } from '../../event.ts';
import type { Op } from '../../history/op.ts';
import { reportModel } from '../model/model.ts';
import type { ReportInput } from '../model/model.ts';
import { reportPage } from './page.ts';

const page = (input: ReportInput): string => reportPage(reportModel(input));
const broken = generatedRun({ seconds: 20, operations: 5_000, seed: 7, violation: true });
const elements = parseStrictly(page(broken));
const withClass = (all: readonly Element[], name: string): readonly Element[] =>
  all.filter((e) => e.attributes.get('class')?.split(' ').includes(name));

test('the page is well-formed, and its sections are in the order of importance', () => {
  const order = elements.filter((e) => e.name === 'section').map((e) => e.attributes.get('id'));
  expect(order).toEqual([
    'expectations',
    'overview',
    'roles',
    'links',
    'violations',
    'faults',
    'latency',
    'operations',
    'leadership',
    'environment',
  ]);
  expect(elements.find((e) => e.name === 'h1')!.text).toBe(broken.result.sentence);
});

test('every picture has a title and a description, and ids are unique', () => {
  const source = page(broken);
  const pictures = source.split('<svg').filter((part) => part.includes('role="img"'));
  expect(pictures.length).toBeGreaterThan(15);
  for (const picture of pictures)
    expect(picture).toMatch(/^[^>]*>\s*<title>[^<]+<\/title>\s*<desc>[^<]+<\/desc>/);
  const ids = elements.flatMap((e) => e.attributes.get('id') ?? []);
  expect(new Set(ids).size).toBe(ids.length);
});

test('all time axes of the overview, the roles and the links cover the same span', () => {
  const strips = withClass(elements, 'time').map(
    (e) => `${e.attributes.get('data-from')}..${e.attributes.get('data-to')}`,
  );
  expect(strips.filter((s) => s === '0..20000').length).toBe(1 + 4 + 4 + 6);
});

test('nothing is fetched, and only the script that the policy names by its hash may run', () => {
  const scripts = elements.filter((e) => e.name === 'script' && !e.attributes.has('type'));
  expect(scripts).toHaveLength(1);
  const hash = createHash('sha256').update(scripts[0]!.text).digest('base64');
  const policy = elements.find((e) => e.attributes.get('http-equiv') === 'Content-Security-Policy')!;
  expect(policy.attributes.get('content')).toContain(`script-src 'sha256-${hash}'`);
  expect(policy.attributes.get('content')).toContain("default-src 'none'");
  for (const e of elements) {
    expect(e.attributes.get('href') ?? '#').toMatch(/^#/);
    expect([...e.attributes.keys()].filter((name) => name === 'src' || name.startsWith('on'))).toEqual([]);
  }
});

test('the script is valid JavaScript, and its data is JSON', () => {
  const [data, script] = elements.filter((e) => e.name === 'script');
  expect(() => new Script(script!.text)).not.toThrow();
  expect(JSON.parse(data!.text)).toMatchObject({
    end: 20_000,
    nodes: [
      ['n1', expect.any(Array)],
      ['n2', expect.any(Array)],
      ['n3', expect.any(Array)],
    ],
  });
});

test('a violation is shown with the numbered prefix, the stuck operation and why it fits nowhere', () => {
  const violation = broken.result.violations[0]!;
  const badges = withClass(elements, 'badge').map((e) => e.text);
  expect(badges.filter((text) => /^\d+$/.test(text)).sort()).toEqual(['1', '2', '3']);
  expect(badges.filter((text) => text === '✗')).toHaveLength(1);
  const row = elements.find((e) => e.name === 'tr' && e.attributes.get('class') === 'stuck')!;
  expect(row.text).toContain(`#${violation.stuckId}`);
  expect(row.text).toContain(`the register holds ${violation.stateBefore}`);
});

test('a safety violation comes with the trace events that prove it', () => {
  const events = elements.filter((e) => e.name === 'tr' && /GrantVote|BecomeLeader/.test(e.text));
  expect(events.map((e) => e.text.trim().replaceAll(/\s+/g, ' '))).toHaveLength(4);
});

test('a fault of the run is in every picture, in the table and in the latencies', () => {
  expect(withClass(elements, 'fault').some((e) => e.text.includes('A cut n1<->n2 n1<->n3'))).toBe(true);
  expect(elements.some((e) => e.name === 'h4' && e.text.includes('A begins: cut n1<->n2 n1<->n3'))).toBe(
    true,
  );
  expect(elements.some((e) => e.name === 'td' && e.text === 'during cut n1<->n2 n1<->n3')).toBe(true);
});

test('no text from a run becomes markup', () => {
  const evil = `"'><script>alert(1)</script>]]>&amp;\u0000\u001B[31m\u202E\uD800</style><!--`;
  const op = (id: number, extra: Partial<Op>): Op => ({
    id,
    process: 0,
    key: evil,
    f: 'write',
    input: evil,
    call: id * 100,
    return: id * 100 + 50,
    outcome: 'ok',
    node: evil,
    attempts: 1,
    ...extra,
  });
  const source = page({
    result: {
      ...broken.result,
      sentence: evil,
      scenario: evil,
      file: evil,
      run: evil,
      error: evil,
      interrupted: evil,
      nodes: [evil, 'n2'],
      expectations: [{ group: 'always', name: evil, status: 'fail', detail: evil, line: 1 }],
      violations: [
        {
          property: evil,
          anomaly: evil,
          prose: evil,
          key: evil,
          opIds: [0, 1],
          stuckId: 1,
          stateBefore: evil,
          events: [{ t: 1, node: evil, text: evil }],
        },
      ],
      environment: { chaos: evil, node: evil, platform: evil, command: [evil] },
      links: { kind: 'external', version: evil, url: evil },
    },
    events: [
      {
        t: 1,
        type: 'fault',
        id: evil,
        verb: 'cut',
        lasting: true,
        state: 'confirmed',
        by: 'manual',
        text: evil,
        nodes: [evil],
        links: [evil],
        detail: evil,
      },
      {
        t: 1,
        type: 'life',
        node: evil,
        life: 'down',
        pid: 1,
        exit: { code: 1, signal: evil, expected: false, stderr: evil },
      },
    ],
    ops: [op(0, {}), op(1, { f: 'read', input: null, output: evil, error: evil })],
    scenarioText: evil,
    flatScenarioText: evil,
    logTails: { [evil]: evil },
  });
  const parsed = parseStrictly(source);
  expect(parsed.filter((e) => e.name === 'script')).toHaveLength(2);
  expect(parsed.find((e) => e.name === 'h1')!.text).toContain(
    '<script>alert(1)</script>]]>&amp;␀␛[31m⟨U+202E⟩�',
  );
  expect(source).not.toContain('<script>alert');
  expect(source).not.toContain('<!--');
});

test('a run that failed before it began has a page', () => {
  const source = page({
    result: {
      ...broken.result,
      verdict: 'error',
      error: 'no port',
      expectations: [],
      violations: [],
      leaderGaps: [],
      nodes: ['n1'],
      durationMs: 0,
    },
    events: [],
    ops: [],
    scenarioText: '',
    flatScenarioText: '',
    logTails: {},
  });
  expect(parseStrictly(source).find((e) => e.name === 'header')!.text).toContain('ERROR');
  expect(source).not.toMatch(/NaN|Infinity|undefined/);
});

test('one operation, or operations without a fault, give a page without invalid numbers', () => {
  const one = page({ ...broken, ops: broken.ops.slice(0, 1), events: [] });
  parseStrictly(one);
  expect(one).not.toMatch(/NaN|Infinity|undefined/);
  expect(page(broken)).not.toMatch(/NaN|Infinity|undefined/);
});

test('seven nodes, a hundred thousand changes of links and roles and 5,000 faults stay under 10 MB, and the page says what is left out', () => {
  const nodes = Array.from({ length: 7 }, (_, i) => `n${i + 1}`);
  const run = generatedRun({ seconds: 300, operations: 20_000, seed: 3, violation: false });
  const events: HarnessEvent[] = nodes.map((node) => ({ t: 0, type: 'life', node, life: 'up', pid: 1 }));
  for (let i = 0; i < 100_000; i++) {
    const t = i * 3;
    const node = nodes[i % 7]!;
    const link = `${node}->${nodes[(i + 1 + (i % 6)) % 7]!}`;
    const delay = i % 14 < 7 ? {} : { delay: { latencyMs: i % 97, jitterMs: 3 } };
    events.push({ t, type: 'link', link, pending: false, ...delay });
    const type = i % 14 < 7 ? 'BecomeFollower' : 'BecomePreCandidate';
    events.push({ t, type: 'trace', node, trace: { type, term: i, leader: null, reason: '' } });
  }
  for (let i = 0; i < 5_000; i++) {
    const about = {
      type: 'fault',
      id: `f${i}`,
      verb: 'cut',
      lasting: true,
      by: 'scenario',
      text: 'cut n1->n2',
      nodes: [],
      links: [],
    } as const;
    events.push({ t: i * 50, ...about, state: 'confirmed' }, { t: i * 50 + 20, ...about, state: 'healed' });
  }
  const source = page({ ...run, result: { ...run.result, nodes }, events });
  expect(source.length).toBeLessThan(10_000_000);
  expect(source).toContain('The shortest bands are left out');
  expect(source).toContain('of 5,000');
});

test('200,000 operations, 200 faults and long logs stay under 10 MB', () => {
  const run = generatedRun({ seconds: 300, operations: 200_000, seed: 3, violation: true });
  const flaps = Array.from({ length: 200 }, (_, i) => [
    {
      t: i * 1_400 + 500,
      type: 'fault' as const,
      id: `f${i}`,
      verb: 'cut',
      lasting: true,
      state: 'confirmed' as const,
      by: 'scenario' as const,
      text: `cut n1->n2 #${i}`,
      nodes: [],
      links: ['n1->n2'],
    },
    {
      t: i * 1_400 + 900,
      type: 'fault' as const,
      id: `f${i}`,
      verb: 'cut',
      lasting: true,
      state: 'healed' as const,
      by: 'scenario' as const,
      text: `cut n1->n2 #${i}`,
      nodes: [],
      links: ['n1->n2'],
    },
  ]).flat();
  const logs = Object.fromEntries(['n1', 'n2', 'n3'].map((node) => [node, 'x'.repeat(5_000_000)]));
  const source = page({ ...run, events: [...run.events, ...flaps], logTails: logs });
  expect(source.length).toBeLessThan(10_000_000);
  parseStrictly(source);
});
