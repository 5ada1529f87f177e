import type { Clock } from '../../clock.ts';
import type { Seen } from '../../view/cluster-state.ts';

/** Wakes all who wait for a change. */
export class Pulse {
  readonly #waiting = new Set<() => void>();

  beat(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
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

/** Evaluates a condition at every beat until it holds or the time is over. Returns the last evaluation. */
export async function watch(
  look: () => Seen,
  options: {
    readonly clock: Clock;
    readonly pulse: Pulse;
    readonly withinMs: number;
    readonly signal: AbortSignal;
  },
): Promise<Seen> {
  const { clock, pulse, withinMs, signal } = options;
  const deadline = clock.now() + withinMs;
  for (;;) {
    signal.throwIfAborted();
    const seen = look();
    const left = deadline - clock.now();
    if (seen.ok || left <= 0) return seen;
    await pulse.next(clock, Math.min(left, LOOK_MS), signal);
  }
}

/** Resolves as the promise does, or rejects with the signal's reason as soon as it aborts (the work itself goes on). */
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
