import { setImmediate } from 'node:timers/promises';
import type { Op } from '../history/op.ts';
import type { Violation } from '../result.ts';
import { JudgeThread } from './judge-thread.ts';
import { decidePart, type KeyHistory, type KeyVerdict, linearizable, proofOf, unknown } from './key.ts';
import { bearingOf, expectFunctions, models, type RegisterModel } from './models.ts';
import { type Part, toParts } from './parts.ts';
import type { CasFail } from './steps.ts';
import { verifyWitnesses } from './verify.ts';

export interface KeyResult {
  readonly key: string;
  readonly verdict: 'linearizable' | 'violation' | 'unknown';
  readonly operations: number;
  readonly tookMs: number;
  readonly detail: string;
  /**
   * Linearizable: the proof, ids of operations in an order that real time and the model allow. Reads with an unknown
   * outcome, failures without effect and unknown operations that nothing depends on are not in it. Else null.
   */
  readonly witness: readonly number[] | null;
}

export interface LinearizabilityResult {
  readonly verdict: 'linearizable' | 'violation' | 'unknown';
  readonly detail: string;
  readonly keys: readonly KeyResult[];
  readonly violations: readonly Violation[];
  readonly tookMs: number;
}

export interface CheckOptions {
  /** `models.kv` by default. */
  readonly model?: RegisterModel;
  readonly casFail?: CasFail;
  /** For all keys together; what is not judged by then is `unknown`. 60,000 by default. */
  readonly limitMs?: number;
  /** For searches; 512 by default. */
  readonly memoryMb?: number;
  readonly signal?: AbortSignal;
}

/** The caller's event loop gets a turn after this long. */
const TURN_AFTER_MS = 16;
/** How many keys beside the first are named where the verdict is told in a sentence. */
const MAX_NAMED_KEYS = 10;

/**
 * Whether the history is linearizable: every key is a register (read, write, cas, delete as the write of a
 * tombstone, append) that is empty (null) at first, and is judged by itself, the smallest first (Herlihy and
 * Wing 1990: linearizability is local). Keys that need no search are judged in this thread, which takes about a second
 * for a million operations; the others in a worker thread. Whatever goes wrong makes a key `unknown`, never
 * linearizable. Rejects only with a `ModelError`: the history has an operation that the model does not know.
 */
export async function checkLinearizable(
  ops: readonly Op[],
  options: CheckOptions = {},
): Promise<LinearizabilityResult> {
  const start = performance.now();
  const { model = models.kv, casFail, limitMs = 60_000 } = options;
  expectFunctions(ops, model);
  const parts = toParts(ops, casFail);
  const turns = new Turns();
  const cancelled = (): boolean => options.signal?.aborted === true;
  const decided: Decided[] = [];
  for (const part of parts) {
    await turns.give();
    const began = performance.now();
    const decision = cancelled() ? unknown('cancelled before it was judged') : tryToDecide(part);
    decided.push({ part, decision, tookMs: performance.now() - began });
  }
  const verdicts = await verified(ops, decided, casFail, turns);

  const keys: KeyResult[] = [];
  const violations: Violation[] = [];
  const thread = new JudgeThread(options);
  try {
    for (const { part, decision, tookMs } of decided) {
      const began = performance.now();
      const found = verdicts.get(part) ?? decision;
      const { violation, ...verdict } =
        'verdict' in found ? found : await thread.judge(historyOf(part, casFail), start + limitMs);
      if (violation !== null) violations.push(violation);
      const { key, positions } = part;
      keys.push({
        key,
        operations: positions.length,
        tookMs: tookMs + performance.now() - began,
        ...verdict,
      });
    }
  } finally {
    await thread.end();
  }
  const tookMs = performance.now() - start;
  return { ...summary(keys, violations, ops.length, tookMs), keys, violations, tookMs };
}

interface Decided {
  readonly part: Part;
  readonly decision: ReturnType<typeof decidePart>;
  readonly tookMs: number;
}

function tryToDecide(part: Part): ReturnType<typeof decidePart> {
  try {
    return decidePart(part);
  } catch (error) {
    return unknown(`the checker failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Lets the caller's event loop have a turn when the last one is a while ago. */
class Turns {
  #last = performance.now();

  async give(): Promise<void> {
    if (performance.now() < this.#last + TURN_AFTER_MS) return;
    await setImmediate();
    this.#last = performance.now();
  }
}

/** The verdicts on the orders that were found without a search. */
async function verified(
  ops: readonly Op[],
  decided: readonly Decided[],
  casFail: CasFail | undefined,
  turns: Turns,
): Promise<ReadonlyMap<Part, KeyVerdict>> {
  const found = decided.flatMap(({ part, decision }) => ('order' in decision ? [{ part, ...decision }] : []));
  const proofs = found.map(({ part, order }) => proofOf(part, order));
  const walk = verifyWitnesses(models.kv, ops, proofs, (op) => bearingOf(op, casFail));
  let next = walk.next();
  for (; next.done !== true; next = walk.next()) await turns.give();
  const flaws = next.value;
  return new Map(found.map(({ part, order }, i) => [part, linearizable(part, order, flaws[i]!)]));
}

const historyOf = ({ positions, columns: { ops } }: Part, casFail: CasFail | undefined): KeyHistory => ({
  ops: Array.from(positions, (position) => ops[position]!),
  casFail,
});

function summary(
  keys: readonly KeyResult[],
  violations: readonly Violation[],
  operations: number,
  tookMs: number,
): Pick<LinearizabilityResult, 'verdict' | 'detail'> {
  const figures = `${operations} operations on ${keys.length} key${keys.length === 1 ? '' : 's'}, judged in ${(tookMs / 1_000).toFixed(2)} s`;
  const bad = keys.filter((key) => key.verdict === 'violation');
  const open = keys.filter((key) => key.verdict === 'unknown');
  const undecided = open.map((key) => `${key.key}: ${key.detail}`).join('; ');
  if (bad.length > 0) {
    const also = open.length === 0 ? '' : `; undecided: ${undecided}`;
    return { verdict: 'violation', detail: `${inShort(bad, violations)} (${figures})${also}` };
  }
  if (open.length > 0) return { verdict: 'unknown', detail: `${undecided} (${figures})` };
  return { verdict: 'linearizable', detail: figures };
}

/** The first key's violation in full, the others by name: all are told in full in `violations`. */
function inShort([first, ...others]: readonly KeyResult[], violations: readonly Violation[]): string {
  const told = `${first!.key}: ${first!.detail}`;
  if (others.length === 0) return told;
  const anomalyOf = new Map(violations.map(({ key, anomaly }) => [key, anomaly]));
  const named = others.slice(0, MAX_NAMED_KEYS).map(({ key }) => `${key} (${anomalyOf.get(key)})`);
  if (others.length > MAX_NAMED_KEYS) named.push(`${others.length - MAX_NAMED_KEYS} more`);
  return `${told} Also ${named.join(', ')}`;
}
