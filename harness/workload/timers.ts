import { monotonicMs } from '../clock.ts';

/** Time for the clients: that of the machine here, virtual time in simulation. */
export interface Timers {
  /** Monotonic time in ms, with any origin. */
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
