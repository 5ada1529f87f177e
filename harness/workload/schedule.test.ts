import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schedule } from './schedule.ts';

/** Takes all slots that are due at this time and returns their number. */
const takeAll = (s: ReturnType<typeof schedule>, now: number): number => {
  let taken = 0;
  while (s.take(now)) taken++;
  return taken;
};

describe('schedule', () => {
  it('gives slots evenly at the given rate, independent of which clients are free', () => {
    const s = schedule(500, 0);
    for (let now = 0; now < 10_000; now += 2) expect(takeAll(s, now)).toBe(1);
    expect(s.waitMs(9_998)).toBe(2);
    expect(s.waitMs(9_999)).toBe(1);
  });

  it('never gives more slots in any span than the rate allows, plus those of the maximum delay', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.array(fc.nat(200), { minLength: 1 }),
        (rate, gaps) => {
          const s = schedule(rate, 0);
          let now = 0;
          let taken = 0;
          for (const gap of gaps) {
            now += gap;
            const burst = takeAll(s, now);
            expect(burst).toBeLessThanOrEqual((20 * rate) / 1_000 + 2);
            taken += burst;
          }
          expect(taken).toBeLessThanOrEqual((now * rate) / 1_000 + 1);
        },
      ),
    );
  });

  it('slots that were missed in a stall are dropped', () => {
    const s = schedule(1_000, 0);
    expect(takeAll(s, 5_000)).toBe(21);
    expect(takeAll(s, 5_000)).toBe(0);
  });

  it('a slot that is given back is due again', () => {
    const s = schedule(100, 0);
    expect([s.take(0), s.take(0)]).toEqual([true, false]);
    s.giveBack();
    expect([s.take(0), s.take(0)]).toEqual([true, false]);
  });

  it('without a rate a slot is always due', () => {
    const s = schedule(null, 0);
    expect([s.take(0), s.take(0), s.waitMs(0)]).toEqual([true, true, 0]);
  });
});
