import type { Clock } from '../../clock.ts';
import { stoppedMs } from '../../stall.ts';
import type { Seen } from '../../view/cluster-state.ts';

/** Wakes all that wait for a change. */
export class Pulse {
  readonly #waiting = new Set<() => void>();
  readonly #listeners = new Set<(t: number) => void>();

  /** `t`: time of the change, ms since the run began. */
  beat(t: number): void {
    for (const listener of this.#listeners) listener(t);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Calls the listener at each beat, within the beat. Returns a function that ends this. */
  listen(listener: (t: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves at the next beat, after `ms` milliseconds at the latest. Rejects when the signal aborts. */
  async next(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const done = new AbortController();
    const wake = (): void => done.abort(new Error('woken'));
    this.#waiting.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    try {
      await clock.sleep(ms, done.signal);
    } catch (error) {
      if (!done.signal.aborted) throw error;
    } finally {
      this.#waiting.delete(wake);
      signal.removeEventListener('abort', wake);
    }
    signal.throwIfAborted();
  }
}

/**
 * Time between two evaluations of a condition without a beat, in ms. Some conditions come true by time alone
 * (`stable-for`).
 */
const LOOK_MS = 50;

/** Time after a stall in which the reports that waited are read, in ms. */
export const CATCH_UP_MS = 200;

/** The last evaluation of a condition, and the known facts about its time. */
export interface Watched extends Seen {
  /** Part of the wait in which the harness stood still, in ms. */
  readonly stoppedMs: number;
  /** False if the harness stood still, and the condition may have come true only after the limit. */
  readonly inTime: boolean;
}

/**
 * Evaluates a condition at every beat until it holds or the time is over. Time in which the harness stood still is
 * added to the limit. After such a stall, the reports that waited are read one by one, and their own times say when
 * the condition came true. `look` evaluates the condition as of `now`.
 */
export async function watch(
  look: (now: number) => Seen,
  options: {
    readonly clock: Clock;
    readonly pulse: Pulse;
    readonly withinMs: number;
    readonly signal: AbortSignal;
  },
): Promise<Watched> {
  const { clock, pulse, withinMs, signal } = options;
  const from = clock.now();
  let stopped = 0;
  /** Time since which the condition has held without a break, as far as the reports show; null: it does not. */
  let trueSince: number | null = null;
  let allRead = false;
  for (;;) {
    signal.throwIfAborted();
    const total = stoppedMs(clock.stalls(), from);
    if (total > stopped) {
      stopped = total;
      const off = pulse.listen((t) => (trueSince = look(t).ok ? (trueSince ?? Math.max(t, from)) : null));
      await clock.sleep(CATCH_UP_MS, signal).finally(off);
      continue;
    }
    const now = clock.now();
    const seen = look(now);
    const left = from + stopped + withinMs - now;
    if (seen.ok || (left <= 0 && allRead)) {
      const inTime = stopped === 0 || (trueSince ?? now) - from <= withinMs;
      return { ...seen, stoppedMs: stopped, inTime };
    }
    // Data that has arrived by the end of the wait is read before the condition is evaluated for the last time.
    allRead = left <= 0;
    if (allRead) await clock.turn();
    else await pulse.next(clock, Math.min(left, LOOK_MS), signal);
  }
}

/**
 * Resolves as the promise does, or rejects with the signal's reason as soon as it aborts (the work itself continues).
 */
export async function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/**
 * Waits for all promises, even after one has failed (`onFailure` can end the others early). Then throws the first
 * failure.
 */
export async function allOrFirstFailure(
  work: readonly Promise<void>[],
  onFailure: () => void = () => undefined,
): Promise<void> {
  let failure: { readonly error: unknown } | null = null;
  await Promise.all(
    work.map((each) =>
      each.catch((error: unknown) => {
        failure ??= { error };
        onFailure();
      }),
    ),
  );
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
}
