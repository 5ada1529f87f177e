import type { Op } from '../history/op.ts';
import { searchSteps } from './search/search-steps.ts';
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
import { searchBytes } from './search/memory-budget.ts';
import { bearingOf, startingFrom } from './models.ts';
import type { Part, PartedHistory } from './parts.ts';
import { type PoolOptions, searchAll } from './search/search-pool.ts';
import { Turns } from './turns.ts';
import { verifyWitnesses } from './verify.ts';

/** A part of a history with its verdict. */
export interface JudgedPart {
  readonly key: string;
  readonly operations: number;
  readonly tookMs: number;
  readonly verdict: KeyVerdict;
}

export interface PartLimits {
  readonly start: number;
  readonly limitMs: number;
  readonly memoryMb: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Limits of one search in the caller's thread, after which a worker takes it over. Starting a worker takes about as
 * long.
 */
const SMALL_SEARCH = { searchMs: 25, minimiseMs: 100, memoryBytes: 16 * 1_048_576 } as const;
/** Maximum time of all searches in the caller's thread together, in ms. */
const SMALL_SEARCHES_MS = 250;
/**
 * Share of the time limit after which searches stop and report their progress. A search that does not stop is ended
 * after a further share of the limit, `GRACE`.
 */
const STOP_AT = 0.95;
const GRACE = 0.1;

/**
 * Checks every key as a register. Keys without a search are decided in this thread, which takes about a second for a
 * million operations. Small searches run in this thread too; the others run in worker threads, the smallest key first.
 */
export async function checkRegisters(
  parted: PartedHistory,
  { start, limitMs, memoryMb, signal }: PartLimits,
): Promise<readonly JudgedPart[]> {
  const turns = new Turns();
  const cases: Case[] = parted.parts.map((part) => ({ part, found: null, tookMs: 0 }));
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
  await verify(parted, cases, turns);
  return cases.map(({ part: { key, positions }, found, tookMs }) => {
    return { key, operations: positions.length, tookMs, verdict: found as KeyVerdict };
  });
}

/** A key and its state so far: the verdict, an order to verify, or the reason why a search is needed. */
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

/** Searches briefly in this thread, because many searches take less time than the start of a worker. */
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
      const judgement = searchSteps(stepsOf(part.columns), {
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
  const answers = await searchAll(
    rest.map(({ each }) => stepsOf(each.part.columns)),
    { ...options, memoryBytes: searchBytes(memoryMb) },
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

/** Verifies every order before it counts. */
async function verify(
  { ops, casFail, initial }: PartedHistory,
  cases: readonly Case[],
  turns: Turns,
): Promise<void> {
  const ordered = cases.flatMap((each) =>
    each.found !== null && 'order' in each.found ? [{ each, order: each.found.order }] : [],
  );
  const proofs = ordered.map(({ each, order }) => proofOf(each.part, order));
  const bearing = casFail === undefined ? bearingOf : (op: Op) => bearingOf(op, casFail);
  const walk = verifyWitnesses(startingFrom(initial), ops, proofs, bearing);
  let next = walk.next();
  for (; next.done !== true; next = walk.next()) await turns.give();
  for (const [i, { each, order }] of ordered.entries())
    each.found = linearizable(each.part, order, next.value[i]!);
}
