import { Worker } from 'node:worker_threads';
import type { Op } from '../history/op.ts';
import type { Violation } from '../result.ts';
import { expectFunctions, models, type RegisterModel } from './models.ts';
import type { CasFail } from './steps.ts';
import type { KeyAnswer, KeyHistory, KeyRequest } from './worker.ts';

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

/** A worker that holds its thread past its limit is ended this long after it. */
const GRACE_MS = 5_000;
/** How many keys beside the first are named where the verdict is told in a sentence. */
const MAX_NAMED_KEYS = 10;

/**
 * Whether the history is linearizable: every key is a register (read, write, cas, delete as the write of a
 * tombstone, append) that is empty (null) at first, and is judged by itself, the smallest first (Herlihy and
 * Wing 1990: linearizability is local). Runs in a worker thread. Whatever goes wrong makes a key `unknown`, never
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
  try {
    for (const [key, keyOps] of partition(ops)) {
      const left = limitMs - (performance.now() - start);
      const answer = await thread.judge({ key, ops: keyOps, casFail }, left);
      const verdict =
        answer.type === 'judged'
          ? answer.verdict
          : { verdict: 'unknown' as const, detail: answer.message, violation: null, witness: null };
      if (verdict.violation !== null) violations.push(verdict.violation);
      keys.push({
        key,
        verdict: verdict.verdict,
        operations: keyOps.length,
        tookMs: answer.type === 'judged' ? answer.tookMs : 0,
        detail: verdict.detail,
        witness: verdict.witness,
      });
    }
  } finally {
    await thread.end();
  }
  const tookMs = performance.now() - start;
  return { ...summary(keys, violations, ops.length, tookMs), keys, violations, tookMs };
}

function partition(ops: readonly Op[]): [string, Op[]][] {
  const byKey = new Map<string, Op[]>();
  for (const op of ops) {
    const ofKey = byKey.get(op.key);
    if (ofKey === undefined) byKey.set(op.key, [op]);
    else ofKey.push(op);
  }
  return [...byKey].sort(([, a], [, b]) => a.length - b.length);
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

  async judge(history: KeyHistory, limitMs: number): Promise<KeyAnswer> {
    if (this.#signal?.aborted) return failed('cancelled before it was judged');
    if (limitMs <= 0) return failed('the time limit was reached before it was judged');
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const request: KeyRequest = { ...history, limitMs, memoryBytes: this.#memoryMb * 1_048_576 };
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
      return await promise;
    } catch (error) {
      return failed(`the operations could not be handed to the checker: ${String(error)}`);
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
