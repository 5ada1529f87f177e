import { setTimeout as realSleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { VirtualTime } from './time.ts';

describe('virtual time', () => {
  it('runs events in order of time, and in order of scheduling if the times are equal', async () => {
    const time = new VirtualTime();
    const seen: string[] = [];
    time.after(5, () => seen.push('late'));
    time.after(1, () => seen.push('first'));
    time.after(1, () => seen.push('second'));
    const cancel = time.after(2, () => seen.push('cancelled'));
    cancel();
    await time.run(10);
    expect(seen).toEqual(['first', 'second', 'late']);
    expect(time.now()).toBe(10);
  });

  it('sleeps for the given time, or until the signal aborts', async () => {
    const time = new VirtualTime();
    const end = new AbortController();
    const woken = await time.play(async () => {
      await time.sleep(100);
      time.after(50, () => end.abort(new Error('enough')));
      return await time.sleep(1_000, end.signal).catch((error: Error) => error.message);
    });
    expect(woken).toBe('enough');
    expect(time.now()).toBe(150);
    await expect(time.sleep(1, end.signal)).rejects.toThrow('enough');
  });

  it('passes only while work is played, and returns or throws what the work does', async () => {
    const time = new VirtualTime();
    expect(await time.play(async () => 'done')).toBe('done');
    await expect(time.play(() => time.sleep(3).then(() => Promise.reject(new Error('no'))))).rejects.toThrow(
      'no',
    );
    await realSleep(5);
    expect(time.now()).toBe(3);
  });

  it('virtual time does not advance while real work goes on', async () => {
    const time = new VirtualTime();
    let ticks = 0;
    const tick = (): void => void time.after(1, () => (ticks++, tick()));
    tick();
    const [before, after] = await time.play(async () => {
      await time.sleep(10);
      const from = time.now();
      await Promise.all([time.still(() => realSleep(5)), time.still(() => realSleep(15))]);
      return [from, time.now()];
    });
    expect(after).toBe(before);
    expect(ticks).toBe(9);
  });

  it('a wait that is shorter than the resolution of the clock still ends', async () => {
    const time = new VirtualTime();
    const dueMs = 1_000.1 + 2e-13;
    await time.play(async () => {
      await time.sleep(1_000.1);
      while (time.now() < dueMs) await time.sleep(dueMs - time.now());
    });
    expect(time.now()).toBeGreaterThanOrEqual(dueMs);
  });

  it('work that waits for what cannot happen is an error, with no event left or with other timers running', async () => {
    const never = (): Promise<void> => new Promise(() => {});
    await expect(new VirtualTime().play(never)).rejects.toThrow(/deadlock at 0\.000 ms of virtual time/);
    const busy = new VirtualTime();
    const tick = (): void => void busy.after(1_000, tick);
    tick();
    await expect(busy.play(never)).rejects.toThrow(
      /deadlock at \d+\.000 ms .* it waits for something that cannot happen/,
    );
  });

  it('an error that an event throws ends the play', async () => {
    const time = new VirtualTime();
    time.after(5, () => {
      throw new Error('a broken event');
    });
    await expect(time.play(() => time.sleep(10))).rejects.toThrow('a broken event');
  });
});
