import { describe, expect, it } from 'vitest';
import type { Clock } from '../../clock.ts';
import type { Stall } from '../../stall.ts';
import { Pulse, watch } from './watch.ts';

/**
 * A clock that only its sleepers move. `stallAt`: the harness stands still for a while as soon as this time has come,
 * and the reports that come meanwhile are read after it, each at its own time.
 */
class SteppedClock implements Clock {
  readonly #stalls: Stall[] = [];
  readonly #stallAt: number;
  readonly #stallMs: number;
  readonly #onWake: () => void;
  #nowMs = 0;

  constructor(stallAt = Infinity, stallMs = 0, onWake: () => void = () => undefined) {
    this.#stallAt = stallAt;
    this.#stallMs = stallMs;
    this.#onWake = onWake;
  }

  now(): number {
    return this.#nowMs;
  }
  async sleep(ms: number): Promise<void> {
    this.#nowMs += ms;
    if (this.#stalls.length > 0 && this.#nowMs >= this.#stalls[0]!.to + ms) this.#onWake();
    if (this.#stalls.length > 0 || this.#nowMs < this.#stallAt) return;
    const from = this.#nowMs;
    this.#nowMs += this.#stallMs;
    this.#stalls.push({ from, to: this.#nowMs });
  }
  still<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }
  async turn(): Promise<void> {}
  stalls(): readonly Stall[] {
    return this.#stalls;
  }
}

const signal = new AbortController().signal;

describe('a wait for a condition', () => {
  it('fails when its time is over, and says that the harness never stood still', async () => {
    const clock = new SteppedClock();
    const seen = await watch(() => ({ ok: false, detail: 'no' }), {
      clock,
      pulse: new Pulse(),
      withinMs: 1_000,
      signal,
    });
    expect(seen).toEqual({ ok: false, detail: 'no', stoppedMs: 0, inTime: true });
    expect(clock.now()).toBe(1_000);
  });

  it('lasts longer by the time that the harness stood still', async () => {
    const clock = new SteppedClock(200, 5_000);
    const seen = await watch(() => ({ ok: false, detail: 'no' }), {
      clock,
      pulse: new Pulse(),
      withinMs: 1_000,
      signal,
    });
    expect(seen).toMatchObject({ ok: false, stoppedMs: 5_000 });
    expect(clock.now()).toBe(6_000);
  });

  it('whose condition came true late is in time if a report that waited has a time within the limit', async () => {
    const pulse = new Pulse();
    let leads = false;
    const clock = new SteppedClock(200, 5_000, () => {
      leads = true;
      pulse.beat(900);
    });
    const seen = await watch(() => ({ ok: leads, detail: 'n2 leads' }), {
      clock,
      pulse,
      withinMs: 1_000,
      signal,
    });
    expect(seen).toEqual({ ok: true, detail: 'n2 leads', stoppedMs: 5_000, inTime: true });
  });

  it('whose condition came true after the limit, but not after the stall and the limit, is not known to be in time', async () => {
    const pulse = new Pulse();
    let leads = false;
    const clock = new SteppedClock(200, 5_000, () => {
      leads = true;
      pulse.beat(4_000);
    });
    const seen = await watch(() => ({ ok: leads, detail: 'n2 leads' }), {
      clock,
      pulse,
      withinMs: 1_000,
      signal,
    });
    expect(seen).toMatchObject({ ok: true, inTime: false });
  });

  it('counts a condition that reports show to be broken again from when it came true again', async () => {
    const pulse = new Pulse();
    let leads = false;
    const clock = new SteppedClock(200, 5_000, () => {
      for (const [now, t] of [
        [true, 500],
        [false, 800],
        [true, 3_000],
      ] as const) {
        leads = now;
        pulse.beat(t);
      }
    });
    const seen = await watch(() => ({ ok: leads, detail: '' }), { clock, pulse, withinMs: 1_000, signal });
    expect(seen).toMatchObject({ ok: true, inTime: false });
  });
});
