import { setImmediate } from 'node:timers/promises';
import type { Op } from '../history/op.ts';
import type { Violation } from '../result.ts';
import { judgeSteps } from './judge-steps.ts';
import {
  decidePart,
  type KeyVerdict,
  linearizable,
  type Ordered,
  proofOf,
  searched,
  stepsOf,
  unknown,
} from './key.ts';
import { bearingOf, expectFunctions, models, type RegisterModel } from './models.ts';
import { type Part, toParts } from './parts.ts';
import { type PoolOptions, searchAll } from './search-pool.ts';
import type { CasFail } from './steps.ts';
import { verifyWitnesses } from './verify.ts';

export interface KeyResult {
  readonly key: string;
  readonly verdict: 'linearizable' | 'violation' | 'unknown';
  readonly operations: number;
  /** Of judging it; the time to verify witnesses is not apart by keys. */
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
  /** Of the whole process, about: searches get what is left of it, but 16 at least. 512 by default. */
  readonly memoryMb?: number;
  readonly signal?: AbortSignal;
}

/** The caller's event loop gets a turn after this long. */
const TURN_AFTER_MS = 16;
/** What a search may take in the caller's thread before a worker takes it over, which costs about as much to start. */
const SMALL_SEARCH = { searchMs: 25, minimiseMs: 100, memoryBytes: 16 * 1_048_576 } as const;
/** What all searches may take there together. */
const SMALL_SEARCHES_MS = 250;
/** Searches stop at this share of the limit, to tell how far they got; one that does not is ended this share after. */
const STOP_AT = 0.95;
const GRACE = 0.1;
/** Searches get what the rest of the process leaves of the memory, but this much at least. */
const MIN_SEARCH_BYTES = 16 * 1_048_576;
const BYTES_A_MIB = 1_048_576;
/** How many keys beside the first are named where the verdict is told in a sentence. */
const MAX_NAMED_KEYS = 10;

/**
 * Whether the history is linearizable: every key is a register (read, write, cas, delete as the write of a
 * tombstone, append) that is empty (null) at first, and is judged by itself (Herlihy and Wing 1990: linearizability is
 * local). Keys that need no search are judged in this thread, which takes about a second for a million operations; so
 * are small searches; the others go to worker threads, the smallest key first. Whatever goes wrong makes a key
 * `unknown`, never linearizable. Rejects only with a `ModelError`: the history has an operation that the model does not
 * know.
 */
export async function checkLinearizable(
  ops: readonly Op[],
  options: CheckOptions = {},
): Promise<LinearizabilityResult> {
  const start = performance.now();
  const { model = models.kv, casFail, limitMs = 60_000, memoryMb = 512, signal } = options;
  expectFunctions(ops, model);
  const turns = new Turns();
  const cases: Case[] = toParts(ops, casFail).map((part) => ({ part, found: null, tookMs: 0 }));
  for (const each of cases) {
    await turns.give();
    judged(each, signal, () => decidePart(each.part));
  }
  await searchSmall(cases, start + limitMs, signal, turns);
  await searchRest(cases, {
    deadline: start + STOP_AT * limitMs,
    graceMs: GRACE * limitMs,
    memoryMb,
    signal,
  });
  await verify(ops, cases, casFail, turns);

  const violations: Violation[] = [];
  const keys = cases.map(({ part, found, tookMs }): KeyResult => {
    const { violation, ...verdict } = found as KeyVerdict;
    if (violation !== null) violations.push(violation);
    return { key: part.key, operations: part.positions.length, tookMs, ...verdict };
  });
  const tookMs = performance.now() - start;
  return { ...summary(keys, violations, ops.length, tookMs), keys, violations, tookMs };
}

/** A key, and what is known of it so far: the verdict, an order to verify, or why a search is needed. */
interface Case {
  readonly part: Part;
  found: KeyVerdict | Ordered | { readonly reason: string } | null;
  tookMs: number;
}

function judged(each: Case, signal: AbortSignal | undefined, judge: () => Case['found']): void {
  const began = performance.now();
  try {
    each.found = signal?.aborted === true ? unknown('cancelled before it was judged') : judge();
  } catch (error) {
    each.found = unknown(`the checker failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  each.tookMs += performance.now() - began;
}

/** Many searches end at once: a worker's start would take longer. */
async function searchSmall(
  cases: readonly Case[],
  deadline: number,
  signal: AbortSignal | undefined,
  turns: Turns,
): Promise<void> {
  const stop = Math.min(deadline, performance.now() + SMALL_SEARCHES_MS);
  for (const each of cases) {
    const { part, found } = each;
    if (found === null || !('reason' in found) || performance.now() > stop) continue;
    await turns.give();
    judged(each, signal, () => {
      const judgement = judgeSteps(stepsOf(part.columns), {
        deadline: Math.min(deadline, performance.now() + SMALL_SEARCH.searchMs),
        minimiseMs: SMALL_SEARCH.minimiseMs,
        memoryBytes: SMALL_SEARCH.memoryBytes,
      });
      return judgement.verdict === 'unknown' ? found : searched(part, judgement, found.reason);
    });
  }
}

async function searchRest(
  cases: readonly Case[],
  { memoryMb, ...options }: Omit<PoolOptions, 'memoryBytes'> & { readonly memoryMb: number },
): Promise<void> {
  const rest = cases.flatMap((each) =>
    each.found !== null && 'reason' in each.found ? [{ each, reason: each.found.reason }] : [],
  );
  if (rest.length === 0) return;
  const left = memoryMb * BYTES_A_MIB - process.memoryUsage.rss();
  const answers = await searchAll(
    rest.map(({ each }) => stepsOf(each.part.columns)),
    { ...options, memoryBytes: Math.max(MIN_SEARCH_BYTES, left) },
  );
  for (const [i, { each, reason }] of rest.entries()) {
    const { judgement, tookMs } = answers[i]!;
    each.tookMs += tookMs;
    each.found =
      judgement.verdict === 'none'
        ? unknown(`${judgement.reason} (a search was needed: ${reason})`)
        : searched(each.part, judgement, reason);
  }
}

/** Every order is looked at by the verifier before it counts. */
async function verify(
  ops: readonly Op[],
  cases: readonly Case[],
  casFail: CasFail | undefined,
  turns: Turns,
): Promise<void> {
  const ordered = cases.flatMap((each) =>
    each.found !== null && 'order' in each.found ? [{ each, order: each.found.order }] : [],
  );
  const proofs = ordered.map(({ each, order }) => proofOf(each.part, order));
  const walk = verifyWitnesses(models.kv, ops, proofs, (op) => bearingOf(op, casFail));
  let next = walk.next();
  for (; next.done !== true; next = walk.next()) await turns.give();
  for (const [i, { each, order }] of ordered.entries())
    each.found = linearizable(each.part, order, next.value[i]!);
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
