import { checkKey } from '../../harness/checker/key.ts';
import { importHistory } from '../../harness/history/formats/import.ts';
import type { Op } from '../../harness/history/op.ts';
import { type Random, randomStream } from '../../harness/random.ts';
import {
  type EdnStyle,
  type Event,
  eventsOf,
  PLAIN,
  type WriteOptions,
  type WrittenFormat,
  writeHistory,
} from '../../test/support/write-history.ts';
import { MISMATCHES, randomNames, withLineEnds } from '../fuzz-histories/spellings.ts';

/** Limits of a check, as in `examine`. */
const LIMITS = { limitMs: 10_000, memoryBytes: 64 * 1_048_576 };
const FOREIGN: readonly WrittenFormat[] = ['jepsen-edn', 'jepsen-log', 'json', 'porcupine-kv'];

/** A history with only what every format can say. */
export interface Rewriting {
  /** In the order of the original history. Failed CAS do not say what they found. */
  readonly told: readonly Op[];
  /** The flaws of reading the history back, with the verdict that its formats must have. */
  flaws(verdicts: { readonly original: boolean; readonly told: boolean }): readonly string[];
}

/**
 * Writes a history in every format that can express it, with random names of processes, spellings and line ends, and
 * reads it back. All must have one verdict: that of the oracle.
 */
export function rewriting(ops: readonly Op[], seed: number, number: number): Rewriting {
  const random = randomStream(seed, 'workload', `rewrite/${number}`);
  const sequenced = inSequence(ops);
  const events = eventsOf(sequenced);
  const written: readonly Written[] = [
    { name: 'chaos', text: ours(events, random), isTold: false },
    ...FOREIGN.filter((format) => format !== 'porcupine-kv' || !tellsEmptyFromNothing(ops)).map(
      (format): Written => ({ name: format, text: foreign(events, format, random), isTold: true }),
    ),
  ];
  return {
    told: ops.map(withoutFound),
    flaws: (verdicts) =>
      written.flatMap(({ name, text, isTold }) => {
        const expected = isTold ? verdicts.told : verdicts.original;
        const flaw = flawOf(text, ops.length, expected);
        return flaw === null ? [] : [`written as ${name}, ${flaw}:\n${text}`];
      }),
  };
}

interface Written {
  readonly name: string;
  readonly text: string;
  /** True if the format does not say what a failed CAS found. */
  readonly isTold: boolean;
}

/** Null, or the difference between what was written and what is read. */
function flawOf(text: string, operations: number, expected: boolean): string | null {
  if (operations === 0) return null;
  try {
    const { ops, initial } = importHistory(text, { file: 'written' });
    if (ops.length !== operations) return `${ops.length} of ${operations} operations are read`;
    const verdicts = [...Map.groupBy(ops, ({ key }) => key).values()].map(
      (ofKey) => checkKey({ ops: ofKey, initial }, LIMITS).verdict,
    );
    if (verdicts.includes('unknown')) return 'the verdict is unknown';
    const isLinearizable = verdicts.every((verdict) => verdict === 'linearizable');
    return isLinearizable === expected
      ? null
      : `the verdict is ${isLinearizable ? 'linearizable' : 'a violation'}`;
  } catch (error) {
    return `the reader fails: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** In our own lines, or in an array of them. */
function ours(events: readonly Event[], random: Random): string {
  const text = writeHistory(events, 'chaos');
  const isArray = random.float() < 0.2;
  return withLineEnds(isArray ? `[${text.trim().replaceAll('\n', ',\n')}]\n` : text, random);
}

function foreign(events: readonly Event[], format: WrittenFormat, random: Random): string {
  const flip = (): boolean => random.float() < 0.5;
  const style: EdnStyle = { ...PLAIN, vector: flip(), tagged: flip(), namespaced: flip(), bare: flip() };
  const options: WriteOptions = {
    style,
    processName: randomNames(random),
    mismatch: random.pick(MISMATCHES),
  };
  return withLineEnds(writeHistory(events, format, options), random);
}

/**
 * The same operations with the moments of a history without equal times, and with one process each: what precedes what
 * stays the same. At equal times invocations come first, because operations that touch are concurrent.
 */
function inSequence(ops: readonly Op[]): readonly Op[] {
  const moments = ops.flatMap((op, at) => {
    const end = op.outcome === 'info' ? Math.max(op.call, op.gaveUp ?? op.call) : op.return;
    return [
      { at, time: op.call, isEnd: false },
      { at, time: end, isEnd: true },
    ];
  });
  moments.sort((a, b) => a.time - b.time || Number(a.isEnd) - Number(b.isEnd));
  const [calls, ends] = [new Map<number, number>(), new Map<number, number>()];
  for (const [rank, { at, isEnd }] of moments.entries()) (isEnd ? ends : calls).set(at, rank);
  return ops.map((op, at) => ({
    ...op,
    id: at,
    process: at,
    call: calls.get(at)!,
    return: op.outcome === 'info' ? Infinity : ends.get(at)!,
    ...(op.outcome === 'info' ? { gaveUp: ends.get(at)! } : {}),
  }));
}

function withoutFound(op: Op): Op {
  if (op.f !== 'cas' || op.outcome !== 'fail') return op;
  const { output: _, ...told } = op;
  return told;
}

/** Porcupine's key-value store holds "" at first, so there is no difference. */
const tellsEmptyFromNothing = (ops: readonly Op[]): boolean =>
  ops.some(({ input, output }) => output === '' || (Array.isArray(input) ? input : [input]).includes(''));
