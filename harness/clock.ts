/**
 * Time as a parameter: the real one here, a virtual one in simulation. Milliseconds since the run began, monotonic.
 */
export interface Clock {
  now(): number;
  /** Resolves after `ms`, or rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Does work that takes real time, such as a file's or another thread's; a virtual clock stands still meanwhile. */
  still<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * The machine's CLOCK_MONOTONIC in milliseconds (fractional); comparable over the processes and threads of one
 * machine.
 */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

/** A clock that starts at 0 when `originMs` (of `monotonicMs`) was. */
export function realClock(originMs: number = monotonicMs()): Clock & { readonly originMs: number } {
  return {
    originMs,
    now: () => monotonicMs() - originMs,
    still: (work) => work(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const onAbort = (): void => {
          clearTimeout(timer);
          reject(signal!.reason as Error);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        }, ms);
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
  };
}
