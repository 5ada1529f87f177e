import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latencyStats } from './latency.ts';
import { encodeLine } from './line.ts';
import { LineFile } from './line-file.ts';
import type { HistoryLine, Op, OpFunction } from './op.ts';
import { HistoryError } from './history-error.ts';
import { parseHistory, readHistory } from './read.ts';
import { keepOps, Recorder, type Completion, type Invocation } from './recorder.ts';

const line = (fields: Partial<HistoryLine>): HistoryLine => ({
  index: 0,
  id: 0,
  process: 0,
  type: 'invoke',
  f: 'write',
  key: 'k0',
  value: 'c0.0',
  time: 1_000,
  node: 'n1',
  ...fields,
});
const text = (...lines: HistoryLine[]): string => lines.map((each) => `${encodeLine(each)}\n`).join('');

/** Plays random clients: each step either invokes on a free process or completes an open operation. */
const runs = fc.array(
  fc.record({
    client: fc.nat(3),
    f: fc.constantFrom<OpFunction>('read', 'write', 'cas', 'delete', 'append'),
    key: fc.string({ maxLength: 4 }),
    value: fc.string(),
    from: fc.option(fc.string()),
    outcome: fc.constantFrom('ok', 'fail', 'info'),
    found: fc.option(fc.string()),
    error: fc.option(fc.constantFrom('timeout', 'not-leader', 'cas-mismatch')),
    gapNs: fc.nat(5),
    attempts: fc.integer({ min: 1, max: 9 }),
  }),
  { maxLength: 60 },
);

describe('history', () => {
  it('what was recorded is what is read back, line for line and operation for operation', () => {
    fc.assert(
      fc.property(runs, (steps) => {
        const lines: string[] = [];
        let now = 0;
        const kept = keepOps();
        const recorder = new Recorder({ nowNs: () => now, append: (each) => lines.push(each), ...kept });
        const open = new Map<number, ReturnType<Recorder['invoke']>>();
        const processes = [0, 1, 2, 3];
        for (const step of steps) {
          now += step.gapNs;
          const running = open.get(step.client);
          if (running === undefined) {
            const invocation: Invocation = {
              process: processes[step.client]!,
              f: step.f,
              key: step.key,
              input: step.f === 'read' ? null : step.f === 'cas' ? [step.from, step.value] : step.value,
              node: 'n1',
            };
            open.set(step.client, recorder.invoke(invocation));
          } else {
            recorder.complete(running, completionOf(running.invocation.f, step));
            open.delete(step.client);
            if (step.outcome === 'info') processes[step.client]! += 4;
          }
        }
        const history = lines.map((each) => `${each}\n`).join('');
        expect(parseHistory(history)).toEqual(kept.ops());
        const times = lines.map((each) => (JSON.parse(each) as HistoryLine).time);
        for (let i = 1; i < times.length; i++) expect(times[i]).toBeGreaterThan(times[i - 1]!);
      }),
    );
  });

  it('a file cut off in the middle of its last line loses that line only', () => {
    const whole = text(
      line({}),
      line({ index: 1, type: 'ok', time: 2_000 }),
      line({ index: 2, id: 1, time: 3_000 }),
    );
    const completed = whole.indexOf('\n', whole.indexOf('\n') + 1);
    for (let cut = completed + 1; cut < whole.length - 1; cut++) {
      expect(parseHistory(whole.slice(0, cut)).map((op) => op.outcome)).toEqual(['ok']);
    }
    const torn = parseHistory(whole.slice(0, completed - 5));
    expect(torn).toMatchObject([{ outcome: 'info', return: Infinity }]);
  });

  it('an empty file is an empty history', () => {
    expect(parseHistory('')).toEqual([]);
    expect(parseHistory('\n\n')).toEqual([]);
  });

  it.each<[string, string, string]>([
    [
      'broken JSON in the middle',
      `${text(line({}))}{"index":\n${text(line({ index: 2 }))}`,
      'h:2:10: not JSON: the line ends too soon',
    ],
    ['a missing field', '{"index":0}\n', 'h:1:1: `id` is missing; it must be an integer of at least 0'],
    [
      'an unknown function',
      text(line({ f: 'swap' as OpFunction })),
      'h:1:51: `f` is "swap"; it must be read, write',
    ],
    ['a cas without a pair', text(line({ f: 'cas' })), 'h:1:76: `value` is "c0.0"; it must be a pair'],
    ['an index that does not rise', text(line({}), line({ id: 1 })), 'h:2:1: index 0 is not greater than 0'],
    [
      'time that runs back',
      text(line({}), line({ index: 1, type: 'ok', time: 999 })),
      'h:2:1: time 999 is less than 1000',
    ],
    [
      'a completion from nowhere',
      text(line({ type: 'ok' })),
      'h:1:1: operation 0 completes without an invocation',
    ],
    [
      'two operations of one process',
      text(line({}), line({ index: 1, id: 1 })),
      'h:2:1: process 0 invokes 1 while 0 is open',
    ],
    [
      'a process that continues after info',
      text(line({}), line({ index: 1, type: 'info' }), line({ index: 2, id: 1 })),
      'h:3:1: process 0 continues after an unknown outcome',
    ],
    [
      'a completion of another key',
      text(line({}), line({ index: 1, type: 'ok', key: 'k1' })),
      'h:2:1: operation 0 was invoked as write of k0 by process 0, but completes as write of k1 by process 0',
    ],
    [
      'a write that completes with another value',
      text(line({}), line({ index: 1, type: 'ok', value: 'c9.9' })),
      'h:2:1: operation 0 was invoked with "c0.0", but completes with "c9.9"; only a read',
    ],
  ])('names the place of %s', (_name, history, message) => {
    expect(() => parseHistory(history, 'h')).toThrow(HistoryError);
    expect(() => parseHistory(history, 'h')).toThrow(message);
  });

  it('lines reach the disk in order, however they were chunked', async () => {
    await inFolder(async (dir) => {
      const path = join(dir, 'history.jsonl');
      const file = await LineFile.create(path, (error) => expect.unreachable(error.message));
      const count = 20_000;
      for (let i = 0; i < count; i++) {
        file.append(encodeLine(line({ index: i, id: i, process: i, time: i })));
        if (i % 5_000 === 0) await new Promise(setImmediate);
      }
      await file.close();
      const ops = await readHistory(path);
      expect(ops.map((op) => op.id)).toEqual(Array.from({ length: count }, (_, i) => i));
      expect((await readFile(path, 'utf8')).endsWith('}\n')).toBe(true);
    });
  });

  it.skipIf(process.platform !== 'linux')(
    'a full disk is told once, with the path, and close rejects',
    async () => {
      const failures: string[] = [];
      const { promise: failed, resolve } = Promise.withResolvers<void>();
      const file = await LineFile.create('/dev/full', (error) => {
        failures.push(error.message);
        resolve();
      });
      file.append('{}');
      await failed;
      file.append('{}');
      await expect(file.close()).rejects.toThrow(/cannot write \/dev\/full: ENOSPC/);
      expect(failures).toHaveLength(1);
    },
  );

  it('a history that cannot be read says which', async () => {
    await inFolder(async (dir) => {
      await writeFile(join(dir, 'h.jsonl'), 'nonsense\n');
      await expect(readHistory(join(dir, 'h.jsonl'))).rejects.toThrow(
        `${join(dir, 'h.jsonl')}:1:1: not JSON`,
      );
      await expect(readHistory(join(dir, 'none.jsonl'))).rejects.toThrow('ENOENT');
    });
  });
});

describe('latencyStats', () => {
  it('is the nearest rank over the ok operations, as a sort by hand gives it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { minLength: 1, maxLength: 300 }), (latencies) => {
        const ops = latencies.map((ms) => ({ outcome: 'ok', call: 7, return: 7 + ms }) as Op);
        ops.push(
          { outcome: 'fail', call: 0, return: 1e9 } as Op,
          { outcome: 'info', call: 0, return: Infinity } as Op,
        );
        const stats = latencyStats(ops);
        const sorted = [...latencies].sort((a, b) => a - b);
        const naive = (q: number): number =>
          sorted.find((value) => sorted.filter((other) => other <= value).length >= q * sorted.length)!;
        expect(stats).toEqual({ p50: naive(0.5), p99: naive(0.99), p999: naive(0.999), max: sorted.at(-1) });
      }),
    );
  });

  it('has nothing to say about nothing', () => {
    expect(latencyStats([])).toEqual({ p50: null, p99: null, p999: null, max: null });
  });
});

interface Step {
  readonly value: string;
  readonly outcome: string;
  readonly found: string | null;
  readonly error: string | null;
  readonly attempts: number;
}

function completionOf(f: OpFunction, step: Step): Completion {
  const output =
    f === 'read' && step.outcome === 'ok'
      ? { output: step.found }
      : f === 'cas' && step.outcome === 'fail' && step.error === 'cas-mismatch'
        ? { output: step.found }
        : {};
  return {
    outcome: step.outcome as Completion['outcome'],
    ...output,
    ...(step.error === null ? {} : { error: step.error }),
    node: 'n2',
    attempts: step.attempts,
  };
}

async function inFolder(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'chaos-history-'));
  try {
    await use(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}
