import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Op } from '../history/op.ts';
import type { Violation } from '../result.ts';
import { decideKey, type KeyHistory, type KeyVerdict } from './key.ts';
import { expectFunctions, models, type RegisterModel } from './models.ts';
import type { CasFail } from './steps.ts';
import type { KeyAnswer, KeyRequest } from './worker.ts';

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

/** The caller's event loop gets a turn after this long, between two keys. */
const YIELD_AFTER_MS = 16;
/** A worker that holds its thread past its limit is ended this long after it. */
const GRACE_MS = 5_000;
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
  const keys: KeyResult[] = [];
  const violations: Violation[] = [];
  const thread = new JudgeThread(options);
  let lastYield = start;
  try {
    for (const history of partition(ops, casFail)) {
      if (performance.now() > lastYield + YIELD_AFTER_MS) {
        await setImmediate();
        lastYield = performance.now();
      }
      const began = performance.now();
      const { violation, ...verdict } = await judge(history, thread, start + limitMs);
      if (violation !== null) violations.push(violation);
      const { key, ops: keyOps } = history;
      keys.push({ key, operations: keyOps.length, tookMs: performance.now() - began, ...verdict });
    }
  } finally {
    await thread.end();
  }
  const tookMs = performance.now() - start;
  return { ...summary(keys, violations, ops.length, tookMs), keys, violations, tookMs };
}

async function judge(history: KeyHistory, thread: JudgeThread, deadline: number): Promise<KeyVerdict> {
  if (thread.isCancelled) return unknown('cancelled before it was judged');
  try {
    const decided = decideKey(history);
    return 'verdict' in decided ? decided : await thread.judge(history, decided.reason, deadline);
  } catch (error) {
    return unknown(error instanceof Error ? error.message : String(error));
  }
}

const unknown = (detail: string): KeyVerdict => ({
  verdict: 'unknown',
  detail,
  violation: null,
  witness: null,
});

/** The keys, those with the fewest operations first. */
function partition(ops: readonly Op[], casFail: CasFail | undefined): KeyHistory[] {
  const byKey = new Map<string, Op[]>();
  for (const op of ops) {
    const ofKey = byKey.get(op.key);
    if (ofKey === undefined) byKey.set(op.key, [op]);
    else ofKey.push(op);
  }
  return [...byKey]
    .sort(([, a], [, b]) => a.length - b.length)
    .map(([key, keyOps]) => ({ key, ops: keyOps, casFail }));
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

/** The worker thread, started at the first key and again after one that it did not survive. */
class JudgeThread {
  readonly #memoryMb: number;
  readonly #signal: AbortSignal | undefined;
  #worker: Worker | null = null;

  constructor(options: CheckOptions) {
    this.#memoryMb = options.memoryMb ?? 512;
    this.#signal = options.signal;
  }

  get isCancelled(): boolean {
    return this.#signal?.aborted === true;
  }

  async judge(history: KeyHistory, reason: string, deadline: number): Promise<KeyVerdict> {
    const limitMs = deadline - performance.now();
    if (limitMs <= 0)
      return unknown(`the time limit was reached before it was searched (that was needed: ${reason})`);
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const request: KeyRequest = { history, reason, limitMs, memoryBytes: this.#memoryMb * 1_048_576 };
    const { promise, resolve } = Promise.withResolvers<KeyAnswer>();
    const giveUp = (reason: string): void => {
      this.#worker = null;
      void worker.terminate();
      resolve(failed(reason));
    };
    const onAbort = (): void => giveUp('cancelled while it was judged');
    const onError = (error: Error): void => giveUp(`the checker failed: ${error.message}`);
    const onExit = (): void => giveUp('the checker ended before it had an answer');
    const timer = setTimeout(
      () => giveUp('the time limit was reached while it was judged'),
      limitMs + GRACE_MS,
    );
    worker.once('message', resolve).once('error', onError).once('exit', onExit);
    this.#signal?.addEventListener('abort', onAbort);
    try {
      worker.postMessage(request);
      const answer = await promise;
      return answer.type === 'judged' ? answer.verdict : unknown(answer.message);
    } catch (error) {
      return unknown(`the operations could not be handed to the checker: ${String(error)}`);
    } finally {
      clearTimeout(timer);
      this.#signal?.removeEventListener('abort', onAbort);
      worker.off('message', resolve).off('error', onError).off('exit', onExit);
    }
  }

  async end(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = null;
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      name: 'checker',
      resourceLimits: { maxOldGenerationSizeMb: this.#memoryMb + 256 },
    });
    // One that is being ended may still report an error when nobody waits for an answer any more.
    worker.on('error', () => {});
    return worker;
  }
}

const failed = (message: string): KeyAnswer => ({ type: 'failed', message });
