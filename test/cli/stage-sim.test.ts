import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chaos } from '../support/chaos.ts';

const SIM = ['--stage', 'sim', '--reporter', 'line'] as const;

/** Fields that depend on the wall clock: the time and folder of the run, and the duration of a check. */
const WALL_CLOCK = { run: '', out: '', startedAt: '', report: '', tookMs: 0, detail: '' };

/** Returns the event log without the fields that depend on the wall clock. */
function timeless(text: string): string {
  return text
    .split('\n')
    .map((line) =>
      line.startsWith('{') && /"type":"(run|check|verdict)"/.test(line)
        ? JSON.stringify({ ...(JSON.parse(line) as object), ...WALL_CLOCK })
        : line,
    )
    .join('\n');
}

test('a simulated run writes the whole report folder, starts no process, and says that it was simulated', async () => {
  await using run = chaos(['run', 'kill-leader.yaml', ...SIM, '--seed', '3']);
  const ended = await run.ended;
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  expect(run.missing).toEqual([]);
  expect(run.events[0]).toMatchObject({ type: 'run', stage: 'sim', seed: 3, links: { kind: 'simulated' } });
  expect(run.result).toMatchObject({ verdict: 'pass', links: { kind: 'simulated' } });
  expect(ended.stdout).toMatch(/again {3}chaos run \S+kill-leader\.yaml --seed 3 --stage sim/);
  expect(readFileSync(join(run.dir, 'report.html'), 'utf8')).toContain('simulated, under virtual time');
});

test('the same seed gives the same events and history, byte for byte, and another seed gives different ones', async () => {
  const play = async (seed: number): Promise<readonly [events: string, history: string]> => {
    await using run = chaos(['run', 'flaky-clients.yaml', ...SIM, '--seed', String(seed)]);
    expect((await run.ended).code).toBe(0);
    const text = (name: string): string => readFileSync(join(run.dir, name), 'utf8');
    return [timeless(text('events.jsonl')), text('history.jsonl')];
  };
  const [first, again, other] = await Promise.all([play(5), play(5), play(6)]);
  expect(first[0].split('\n').length).toBeGreaterThan(1_000);
  expect(again[0] === first[0]).toBe(true);
  expect(again[1] === first[1]).toBe(true);
  expect(other[1] === first[1]).toBe(false);
});

test('an interrupted simulated run heals, checks and reports, with the exit code that shells expect', async () => {
  await using run = chaos(['run', 'kill-leader.yaml', ...SIM, '--test-count', '500']);
  await run.sees(/phase {2}running/);
  run.kill('SIGINT');
  const ended = await run.ended;
  expect(ended.code).toBe(130);
  expect(run.missing).toEqual([]);
});

test.each([
  [
    'a stage that does not exist',
    ['--stage', 'moon'],
    /'moon' is invalid\. Allowed choices are local, sim\./,
  ],
  [
    'a node program',
    ['--stage', 'sim', '--node', 'package.json'],
    /--node does not go with --stage sim: simulated nodes have no processes/,
  ],
  ['a Toxiproxy', ['--stage', 'sim', '--toxiproxy', 'builtin'], /--toxiproxy does not go with --stage sim/],
])('%s is refused with exit code 2 before anything starts', async (_what, flags, says) => {
  await using run = chaos(['run', 'kill-leader.yaml', ...flags]);
  const { code, stdout, stderr } = await run.ended;
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(says);
});
