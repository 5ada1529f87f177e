import { monotonicMs } from '../clock.ts';

/** Time for the clients: the machine's here, a virtual one in simulation. */
export interface Timers {
  /** ms, monotonic, any origin. */
  now(): number;
  /** Calls `action` once after `ms`, unless the returned function is called before. */
  after(ms: number, action: () => void): () => void;
}

export const realTimers: Timers = {
  now: monotonicMs,
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};
