import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FAULTS } from '../../nemesis/registry.ts';
import { SELECTOR_WORDS } from '../../nemesis/selector.ts';
import { CAPABILITIES, type Capability } from '../../ports/capability.ts';
import { jsonSchema } from './json-schema.ts';
import { FLOW, MODIFIERS, UNBUILT_VERBS, VERBS, type Modifier } from './step-keys.ts';

const docs = readFileSync(new URL('../../../docs/scenarios.md', import.meta.url), 'utf8');
/** The lines of a section, from its heading to the next one. */
const section = (heading: string): readonly string[] => {
  const lines = docs.split('\n');
  const from = lines.indexOf(heading) + 1;
  const length = lines.slice(from).findIndex((line) => line.startsWith('#'));
  return length < 0 ? lines.slice(from) : lines.slice(from, from + length);
};
/** Names in the first column of a section's tables: `kill`, `at` of `at: 2s`. */
const firstColumn = (lines: readonly string[]): readonly string[] =>
  lines.flatMap((line) => {
    const cell = /^\| (`.*?) \|/.exec(line)?.[1] ?? '';
    return [...cell.matchAll(/`([a-z-]+)/g)].map(([, name]) => name!);
  });

test('docs/scenarios.md has every verb, in the section of its kind', () => {
  const links = firstColumn(section('### Faults on links'));
  const nodes = firstColumn(section('### Faults on nodes'));
  const flow = firstColumn(section('### Flow'));
  expect([...links, ...nodes, ...flow].sort()).toEqual([...VERBS].sort());
  expect(flow).toEqual(Object.keys(FLOW));
});

test('docs/scenarios.md has every key of a step, and the steps that it goes with', () => {
  const rows = section('## Steps').flatMap((line) => {
    const row = /^\| `([a-z-]+): [^`]*` \| ([^|]*) \|/.exec(line);
    return row === null ? [] : [[row[1], row[2]]];
  });
  const written = Object.entries<Modifier>(MODIFIERS).filter(([, { recorded }]) => recorded !== true);
  expect(rows).toEqual(written.map(([key, { goesWith }]) => [key, goesWith]));
  const recorded = section('## The recorded run').join('\n');
  const others = Object.keys(MODIFIERS).filter((key) => !written.some(([each]) => each === key));
  for (const key of others) expect(recorded).toMatch(new RegExp(`\`${key}[:\`]`));
});

test('docs/scenarios.md names the verbs that are not built yet, and no other', () => {
  const sentence = /^(.*) are reserved for later versions/m.exec(docs)![1]!;
  expect([...sentence.matchAll(/`([a-z-]+)`/g)].map(([, verb]) => verb)).toEqual(UNBUILT_VERBS);
});

/** A spec of each kind of fault that needs more than a node. */
const SPECS: Readonly<Record<string, unknown>> = {
  partition: { isolate: 'n1' },
  delay: { links: 'all', add: '5ms' },
  bandwidth: { links: 'all', rate: '5KB/s' },
  slice: { links: 'all', size: '64B' },
  flap: { links: 'all', down: '1s', up: '1s' },
  cut: { links: 'all' },
  reset: { links: 'all' },
  'rolling-restart': { within: '5s' },
};

test('docs/scenarios.md has what each fault needs', () => {
  const written = new Map<string, string>();
  for (const line of section('### What faults need')) {
    const row = /^\| `([a-z]+)`: ([^|]*) \| ([^|]*) \|/.exec(line);
    if (row === null) continue;
    expect(row[2]).toBe(CAPABILITIES[row[1] as Capability]);
    for (const [, verb] of row[3]!.matchAll(/`([a-z-]+)`(?! with)/g)) written.set(verb!, row[1]!);
  }
  const needs = [...FAULTS].map(([verb, kind]) => [
    verb,
    kind.needs(kind.schema.parse(SPECS[verb] ?? 'n1')).join(),
  ]);
  expect(Object.fromEntries(written)).toEqual(Object.fromEntries(needs));
});

test('docs/scenarios.md has every selector word', () => {
  expect(firstColumn(section('### Selectors'))).toEqual(expect.arrayContaining([...SELECTOR_WORDS]));
});

test('the JSON Schema of a step has every verb and every key, and no other', () => {
  const { $defs } = jsonSchema() as { $defs: { step: { properties: object } } };
  const keys = Object.keys($defs.step.properties);
  expect(keys.sort()).toEqual([...VERBS, ...Object.keys(MODIFIERS)].sort());
});
