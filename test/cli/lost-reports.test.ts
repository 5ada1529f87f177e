import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../../harness/result.ts';
import { chaos, ROOT } from '../support/chaos.ts';

// A node whose reports are lost or wrong is not judged by what is missing: the run is inconclusive.

/** Time limit of a test. A run takes some seconds, but the machine may be busy. */
const RUN_MS = 120_000;
const NODE_MAIN = join(ROOT, 'node', 'main.mjs');

/** Our node, with every write to the pipe of its reports passed through `change`, a function over lines. */
const changed = (change: string): string => `
import { Socket } from 'node:net';
const change = ${change};
const write = Socket.prototype.write;
let pipe = null;
Socket.prototype.write = function (data, ...more) {
  if (pipe === null && String(data).startsWith('{"n":0,')) pipe = this;
  if (this !== pipe) return write.call(this, data, ...more);
  const lines = String(data).split('\\n').slice(0, -1).flatMap((line) => change(line, JSON.parse(line)));
  return write.call(this, lines.map((line) => line + '\\n').join(''), ...more);
};
await import(${JSON.stringify(NODE_MAIN)});
`;

const SCENARIO = `
apiVersion: chaos/v1
name: lost-reports
workload: { clients: 4, rate: 200/s, mix: { read: 50%, write: 50% }, timeout: 1s }
steady:
  - leader: { count: 1, stable-for: 300ms, within: 15s }
steps:
  - wait: { for: 1s }
  - kill: follower
    as: dead
  - heal: dead
  - wait: { until: { converged: true }, within: 15s }
`;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'chaos-lost-reports-'));
  writeFileSync(join(dir, 'scenario.yaml'), SCENARIO);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const cases: readonly (readonly [what: string, change: string, says: RegExp])[] = [
  [
    'every seventh commit is lost',
    `((seen) => (line, { type }) => (type === 'Commit' && seen++ % 7 === 2 ? [] : [line]))(0)`,
    /steps of n\d may be missing from .* report line \d+ has number \d+ and follows number \d+: 1 line is lost/,
  ],
  [
    'the lines of all entries are lost',
    `(line, { type }) => (type === 'Replicate' ? [] : [line])`,
    /report line \d+ has number \d+ and follows number \d+: \d+ lines? (is|are) lost/,
  ],
  [
    'a vote has a candidate that is not there',
    `(line, { type }) => (type === 'GrantVote' ? [line.replace(/"candidate":"n\\d"/, '"candidate":"n8"')] : [line])`,
    /has a wrong field: "candidate" must be the id of a node of this cluster, but is "n8"; the line: \{"n":\d+/,
  ],
  [
    'a line is cut in the middle',
    `((seen) => (line, { type }) => (type === 'Apply' && seen++ === 20 ? [line.slice(0, 25)] : [line]))(0)`,
    /report line \d+ is not a JSON object; the line: \{"n":\d+,"at":/,
  ],
];

/** Runs the scenario on nodes whose reports `change` has changed. */
async function runChanged(
  change: string,
): Promise<{ readonly code: number | null; readonly result: RunResult }> {
  const program = join(dir, 'node.mjs');
  writeFileSync(program, changed(change));
  const flags = ['--reporter', 'line', '--toxiproxy', 'builtin', '--node', program];
  await using run = chaos(['run', join(dir, 'scenario.yaml'), ...flags]);
  const { code } = await run.ended;
  return { code, result: run.result };
}

describe('a run is inconclusive, and accuses no node, if', () => {
  it.each(cases)(
    '%s',
    async (_what, change, says) => {
      const { code, result } = await runChanged(change);
      const { sentence, violations, expectations } = result;
      expect(violations).toEqual([]);
      expect(sentence).toMatch(/^Nothing is proven: election-safety: /);
      expect(sentence).toMatch(says);
      expect(code).toBe(4);
      const known = expectations.filter(({ group, status }) => group === 'always' && status === 'pass');
      expect(known.map(({ name }) => name)).toEqual(['linearizable']);
    },
    RUN_MS,
  );
});

describe('a run passes if', () => {
  it(
    'the reports pass through this test unchanged',
    async () => {
      const { code, result } = await runChanged('(line) => [line]');
      expect({ code, sentence: result.sentence }).toMatchObject({ code: 0 });
    },
    RUN_MS,
  );
});
