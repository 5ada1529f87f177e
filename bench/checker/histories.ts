import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { generateHistory, type GeneratorOptions } from '../../harness/checker/testing/generate.ts';
import { encodeLine } from '../../harness/history/line.ts';
import type { HistoryLine, Op } from '../../harness/history/op.ts';
import { type Random, randomStream } from '../../harness/random.ts';

/** A history of the benchmark. Its seed and figures determine the file. */
export interface BenchHistory {
  readonly name: string;
  readonly kind: 'valid' | 'violation' | 'easy';
  readonly seed: number;
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  readonly unknown: number;
  readonly mix: GeneratorOptions['mix'];
  /** True for a few repeated values, and failed CAS that mostly do not report the value they found. */
  readonly ambiguous?: boolean;
}

const REGISTER = { read: 5, write: 3, cas: 2, delete: 0.5, append: 0 } as const;
/** Mix with appends. Its writes shorten the values, because lists that only grow would make up most of the file. */
const APPENDS = { read: 5, write: 1.5, cas: 0, delete: 0.5, append: 3 } as const;

/** Mix with few reads, so that little is known about the order. */
const CHOICES = { read: 1, write: 2, cas: 4, delete: 0, append: 0 } as const;

const hard = { clients: 20, keys: 10, unknown: 0.02, mix: REGISTER } as const;
const SIZES = { '1k': 1_000, '10k': 10_000, '100k': 100_000, '1M': 1_000_000 } as const;

/** Histories as in a chaos run, with many clients, few keys and unknown outcomes, and some with one stale read late. */
export const HISTORIES: readonly BenchHistory[] = [
  ...Object.entries(SIZES).map(([size, operations], i): BenchHistory => ({
    ...hard,
    name: `valid-${size}`,
    kind: 'valid',
    seed: 1 + i,
    operations,
  })),
  { ...hard, name: 'appends-100k', kind: 'valid', seed: 5, operations: 100_000, mix: APPENDS },
  ...Object.entries(SIZES).map(([size, operations], i): BenchHistory => ({
    ...hard,
    name: `stale-${size}`,
    kind: 'violation',
    seed: 11 + i,
    operations,
  })),
  // Sizes up to and beyond what Porcupine can handle.
  { ...hard, name: 'stale-1k-1-key', kind: 'violation', seed: 15, operations: 1_000, keys: 1 },
  { ...hard, name: 'stale-3k-1-key', kind: 'violation', seed: 16, operations: 3_000, keys: 1 },
  { ...hard, name: 'stale-10k-1-key', kind: 'violation', seed: 17, operations: 10_000, keys: 1 },
  ...[2_000, 10_000, 100_000, 2_500, 5_000, 50_000].map((operations, i): BenchHistory => ({
    ...hard,
    name: `easy-${operations / 1_000}k`,
    kind: 'easy',
    seed: 21 + i,
    operations,
    clients: 5,
    unknown: 0,
  })),
];

/** Histories of one key whose search is practically endless. */
export const ENDLESS: readonly BenchHistory[] = (
  [
    { name: 'endless-registers', seed: 31, operations: 4_000, clients: 200, unknown: 0.1, mix: CHOICES },
    { name: 'endless-appends', seed: 32, operations: 400, clients: 40, unknown: 0.1, mix: APPENDS },
  ] as const
).map((history) => ({ ...history, kind: 'violation', keys: 1, ambiguous: true }));

/** @throws Error if a stale read was asked for and no read can be made one. */
export function makeHistory(history: BenchHistory): Op[] {
  const random = randomStream(history.seed, 'workload', `bench/${history.name}`);
  const ambiguous = history.ambiguous === true;
  const opaque = ambiguous ? 0.8 : 0;
  const ops = generateHistory(random, { ...history, failed: 0.01, opaque, uniqueValues: !ambiguous });
  if (ambiguous) return withReadFromNowhere(ops);
  return history.kind === 'violation' ? withStaleRead(ops, random) : ops;
}

/** Makes the last read return a value that was never written, so that a search must try everything before it. */
function withReadFromNowhere(ops: readonly Op[]): Op[] {
  const victim = ops.findLast((op) => op.f === 'read' && op.outcome === 'ok');
  return ops.map((op) => (op === victim ? { ...op, output: 'nowhere' } : op));
}

/**
 * Makes one read after three quarters of the history return a value from the first quarter, although a read between
 * them returned another value. Values are never repeated, so no order allows that.
 */
function withStaleRead(ops: readonly Op[], random: Random): Op[] {
  const reads = ops.filter((op) => op.f === 'read' && op.outcome === 'ok');
  const victims = reads.slice(Math.floor(reads.length * 0.75));
  for (let tries = 0; tries < victims.length; tries++) {
    const victim = random.pick(victims);
    const ofKey = reads.filter((read) => read.key === victim.key && read.return < victim.call);
    const old = ofKey[Math.floor(ofKey.length / 4)];
    const newer = ofKey.findLast(
      (read) => old !== undefined && old.return < read.call && read.output !== old.output,
    );
    if (newer === undefined) continue;
    return ops.map((op) => (op === victim ? { ...op, output: old!.output! } : op));
  }
  throw new Error('no read of this history can be made stale');
}

/** Writes the history as a `history.jsonl` into the folder, and returns its path. */
export async function writeBenchHistory(history: BenchHistory, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${history.name}.jsonl`);
  await pipeline(Readable.from(chunksOf(linesOf(makeHistory(history)))), createWriteStream(path));
  return path;
}

const LINES_PER_CHUNK = 2_000;

function* chunksOf(lines: Iterable<HistoryLine>): Iterable<string> {
  let chunk: string[] = [];
  for (const line of lines) {
    chunk.push(`${encodeLine(line)}\n`);
    if (chunk.length < LINES_PER_CHUNK) continue;
    yield chunk.join('');
    chunk = [];
  }
  yield chunk.join('');
}

/** Two lines per operation in order of time. At equal times invocations are first, because the two are concurrent. */
function* linesOf(ops: readonly Op[]): Iterable<HistoryLine> {
  const events = ops.flatMap((op) => [
    { op, ends: false, ms: op.call },
    { op, ends: true, ms: op.outcome === 'info' ? op.gaveUp! : op.return },
  ]);
  events.sort((a, b) => a.ms - b.ms || Number(a.ends) - Number(b.ends));
  for (const [index, { op, ends, ms }] of events.entries()) {
    const { id, process, f, key, node } = op;
    const base = { index, id, process, f, key, value: op.input, time: Math.round(ms * 1e6), node };
    if (!ends) yield { ...base, type: 'invoke' };
    else yield { ...base, ...answerOf(op), type: op.outcome };
  }
}

function answerOf(op: Op): Partial<HistoryLine> {
  const error = op.error === undefined ? {} : { error: op.error };
  if (op.output === undefined) return error;
  return op.f === 'read' ? { value: op.output } : { ...error, found: op.output };
}
