import { describe, expect, it } from 'vitest';
import { afterAwake, Heartbeat, stoppedMs, withinAwake, type Stall } from './stall.ts';

/** Blocks this thread, and with it the event loop, as SIGSTOP does. */
const block = (ms: number): void =>
  void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms) satisfies void;
const after = <T>(ms: number, value: T): Promise<T> =>
  new Promise((resolve) => setTimeout(() => resolve(value), ms));

describe('the heartbeat', () => {
  it('takes a beat that comes much later than planned for a stall, and no other', () => {
    let now = 0;
    const heartbeat = new Heartbeat(() => now);
    heartbeat.start();
    const heard: Stall[] = [];
    heartbeat.subscribe((stall) => heard.push(stall));
    for (now of [50, 100, 350]) heartbeat.look();
    expect(heartbeat.stalls()).toEqual([]);
    now = 5_350;
    expect(heartbeat.stalls()).toEqual([{ from: 350, to: 5_350 }]);
    now = 5_400;
    expect(heartbeat.stalls()).toEqual(heard);
  });
});

describe('stoppedMs', () => {
  it('counts the parts of stalls that are within the time', () => {
    const stalls = [
      { from: 100, to: 600 },
      { from: 1_000, to: 1_500 },
    ];
    expect(stoppedMs(stalls, 0)).toBe(1_000);
    expect(stoppedMs(stalls, 600, 1_000)).toBe(0);
    expect(stoppedMs(stalls, 200, 1_100)).toBe(500);
    expect(stoppedMs(stalls, 1_100, 1_200)).toBe(100);
  });
});

describe('a deadline', () => {
  it('does not pass while the process stands still: that time is added to it', async () => {
    const answer = withinAwake(after(1_050, 'answer'), 400, () => 'late');
    block(900);
    expect(await answer).toBe('answer');
  });

  it('passes only after what has arrived by then is read', async () => {
    const answer = withinAwake(after(190, 'answer'), 100, () => 'late');
    block(200);
    expect(await answer).toBe('answer');
  });

  it('passes in a process that runs', async () => {
    expect(
      await withinAwake(
        after(60_000, 'answer').finally(() => undefined),
        20,
        () => 'late',
      ),
    ).toBe('late');
    await expect(
      withinAwake(new Promise(() => {}), 20, () => {
        throw new Error('too late');
      }),
    ).rejects.toThrow('too late');
  });

  it('can be cancelled', async () => {
    let called = false;
    afterAwake(5, () => (called = true))();
    await after(30, null);
    expect(called).toBe(false);
  });
});
