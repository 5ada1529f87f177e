import { afterAwake, heartbeat, monotonicMs, type Stall } from './stall.ts';

export { monotonicMs } from './stall.ts';

/**
 * Time as a parameter: the real one here, a virtual one in simulation. Milliseconds since the run began, monotonic.
 */
export interface Clock {
  now(): number;
  /**
   * Resolves after `ms` in which the harness ran (time in which it stood still is added), or rejects with the signal's
   * reason as soon as it aborts.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Does work that takes real time, such as a file's or another thread's; a virtual clock stands still meanwhile. */
  still<T>(work: () => Promise<T>): Promise<T>;
  /** Yields to the event loop, so that input is read and signals arrive. */
  turn(): Promise<void>;
  /** Times in which the harness itself stood still so far, oldest first; none under virtual time. */
  stalls(): readonly Stall[];
}

export interface RealClock extends Clock {
  /** Time 0 of the clock, on `monotonicMs`. */
  readonly originMs: number;
  /** Calls the listener with each stall from now on. Returns a function that ends this. */
  onStall(listener: (stall: Stall) => void): () => void;
}

/** A clock that starts at 0 when `originMs` (of `monotonicMs`) was. */
export function realClock(originMs: number = monotonicMs()): RealClock {
  heartbeat.start();
  const onThisClock = ({ from, to }: Stall): Stall => ({ from: from - originMs, to: to - originMs });
  return {
    originMs,
    now: () => monotonicMs() - originMs,
    still: (work) => work(),
    turn: () => new Promise((resolve) => void setImmediate(resolve)),
    // A stall that ended before this clock began does not belong to its run.
    stalls: () =>
      heartbeat
        .stalls()
        .map(onThisClock)
        .filter(({ to }) => to > 0),
    onStall: (listener) => heartbeat.subscribe((stall) => listener(onThisClock(stall))),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const onAbort = (): void => {
          cancel();
          reject(signal!.reason as Error);
        };
        const cancel = afterAwake(ms, () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        });
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
  };
}
