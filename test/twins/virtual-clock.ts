import type { Clock } from '../../harness/clock.ts';

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly fire: () => void;
}

/**
 * Time that passes only when everybody waits for it. Timers that are due together fire in the order they were
 * set.
 */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  #stopped = false;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const onAbort = (): void => {
        this.#timers.delete(timer);
        reject(signal!.reason as Error);
      };
      const fire = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const timer: Timer = { due: this.#now + Math.max(0, ms), order: this.#order++, fire };
      this.#timers.add(timer);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /**
   * Lets time pass until `work` is done. Throws if it is not after `limitMs` of virtual time, or if nothing
   * is left to wait for.
   */
  async run<T>(work: Promise<T>, limitMs = 120_000): Promise<T> {
    let settled = false;
    const settle = (): void => void (settled = true);
    work.then(settle, settle);
    for (;;) {
      await turn();
      if (settled) return await work;
      if (this.#stopped) {
        // Something real is at work (the checker's thread): wait for it in real time.
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      const next = this.#next();
      if (next === null) throw new Error('deadlock: nobody waits for the clock, and the work is not done');
      if (next.due > limitMs) throw new Error(`not done after ${limitMs} ms of virtual time`);
      this.#timers.delete(next);
      this.#now = next.due;
      next.fire();
    }
  }

  /** From here on no time passes: for what goes on outside of it. */
  stop(): void {
    this.#stopped = true;
  }

  #next(): Timer | null {
    let first: Timer | null = null;
    for (const timer of this.#timers) {
      if (first === null || timer.due < first.due || (timer.due === first.due && timer.order < first.order))
        first = timer;
    }
    return first;
  }
}

/** A turn of the event loop: all promises that can go on have gone on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
