import { perFunction } from '../history/op.ts';
import type { Op, OpFunction } from '../history/op.ts';
import { statsOf } from '../history/latency.ts';
import type { OpsWindow } from '../ports/workload.ts';

/** Counts completed operations; gives the figures of one window and the totals. */
export class Windows {
  #latencies: number[] = [];
  #window = { ok: 0, fail: 0, info: 0 };
  readonly #total = { ok: 0, fail: 0, info: 0 };
  readonly #okByFunction: Record<OpFunction, number> = perFunction(0);
  #beganMs: number;

  constructor(nowMs: number) {
    this.#beganMs = nowMs;
  }

  completed(op: Op): void {
    this.#window[op.outcome]++;
    this.#total[op.outcome]++;
    if (op.outcome !== 'ok') return;
    this.#okByFunction[op.f]++;
    this.#latencies.push(op.return - op.call);
  }

  /** Ends the window and begins the next. Percentiles are exact. */
  close(nowMs: number, invoked: number): OpsWindow {
    const { p50, p99, max } = statsOf(this.#latencies);
    const window: OpsWindow = {
      t: nowMs,
      windowMs: nowMs - this.#beganMs,
      ...this.#window,
      p50,
      p99,
      max,
      total: { invoked, ...this.#total },
      okByFunction: { ...this.#okByFunction },
    };
    this.#latencies = [];
    this.#window = { ok: 0, fail: 0, info: 0 };
    this.#beganMs = nowMs;
    return window;
  }
}
