import { describe, expect, it } from 'vitest';
import type { Ask, AttemptEnd, SystemClient } from '../ports/client.ts';
import { Operation } from './operation.ts';
import type { OpEnd } from './outcome.ts';
import { LeaderRouter } from './router.ts';

/** A client whose attempts are ended by the test. */
class HeldClient implements SystemClient {
  readonly asked: string[] = [];
  #listener: (end: AttemptEnd) => void = () => {};

  mayMutate(): boolean {
    return true;
  }
  request(): object {
    return {};
  }
  ask(node: string, _request: object, listener: (end: AttemptEnd) => void): Ask {
    this.asked.push(node);
    this.#listener = listener;
    return { sent: true, drop: () => {} };
  }
  ended(): void {}

  end(end: AttemptEnd): void {
    this.#listener(end);
  }
}

/** Timers that the test fires, in order, up to a given time. */
class HeldTimers {
  #now = 0;
  #waiting: { at: number; action: () => void }[] = [];

  now(): number {
    return this.#now;
  }
  after(ms: number, action: () => void): () => void {
    const entry = { at: this.#now + ms, action };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((each) => each !== entry);
    };
  }
  passTo(ms: number): void {
    for (;;) {
      const [next] = this.#waiting.filter(({ at }) => at <= ms).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#waiting = this.#waiting.filter((each) => each !== next);
      this.#now = next.at;
      next.action();
    }
    this.#now = ms;
  }
}

interface Begun {
  readonly operation: Operation;
  readonly client: HeldClient;
  readonly timers: HeldTimers;
  readonly ends: OpEnd[];
}

function begun(mayRepeat: boolean): Begun {
  const client = new HeldClient();
  const timers = new HeldTimers();
  const ends: OpEnd[] = [];
  const operation = new Operation(
    {
      f: 'write',
      request: {},
      timeoutMs: 1_000,
      router: new LeaderRouter(['n1', 'n2', 'n3']),
      client,
      mayRepeat,
      timers,
      jitter: () => 0.5,
      onEnd: (end) => ends.push(end),
    },
    'n1',
  );
  return { operation, client, timers, ends };
}

const LOST: AttemptEnd = { type: 'lost' };
const UNSENT: AttemptEnd = { type: 'unsent', error: 'refused' };
const REFUSED: AttemptEnd = {
  type: 'answer',
  result: { type: 'refused', error: 'not-leader', definite: true, retry: true, leader: 'n3' },
};

describe('a mutation that the system may apply twice', () => {
  it('is not sent to a second node while the first is silent, and its timeout ends it as unknown', () => {
    const { client, timers, ends } = begun(false);
    timers.passTo(1_000);
    expect(client.asked).toEqual(['n1']);
    expect(ends).toEqual([{ type: 'end', outcome: 'info', error: 'timeout' }]);
  });

  it('ends as unknown as soon as its connection is lost', () => {
    const { client, timers, ends } = begun(false);
    client.end(LOST);
    timers.passTo(900);
    expect(client.asked).toEqual(['n1']);
    expect(ends).toEqual([{ type: 'end', outcome: 'info', error: 'closed' }]);
  });

  it('is sent again after a definite refusal, or if it was never sent', () => {
    const { client, timers, ends } = begun(false);
    client.end(REFUSED);
    timers.passTo(50);
    client.end(UNSENT);
    timers.passTo(400);
    client.end({ type: 'answer', result: { type: 'done' } });
    expect(client.asked).toHaveLength(3);
    expect(client.asked.slice(0, 2)).toEqual(['n1', 'n3']);
    expect(ends).toEqual([{ type: 'end', outcome: 'ok' }]);
  });
});

describe('a mutation that is applied once', () => {
  it('is sent to a second node while the first is silent, and again after a lost connection', () => {
    const { client, timers, ends } = begun(true);
    timers.passTo(300);
    expect(client.asked).toEqual(['n1', 'n2']);
    client.end(LOST);
    timers.passTo(310);
    expect(client.asked).toEqual(['n1', 'n2', 'n3']);
    client.end({ type: 'answer', result: { type: 'done' } });
    expect(ends).toEqual([{ type: 'end', outcome: 'ok' }]);
  });
});
