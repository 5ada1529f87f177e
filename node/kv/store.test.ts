import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MalformedBytes } from './bytes.ts';
import { decodeCommand, encodeCommand } from './command.ts';
import type { Command } from './command.ts';
import { Sessions } from './sessions.ts';
import { KvStore } from './store.ts';
import type { Register } from './registers.ts';
import type { Outcome } from './state-machine.ts';
import { commands } from './testing/commands.ts';

/** A store and the last index of its log. */
class Log {
  readonly store: KvStore;
  index = 0;
  constructor(cap = 10_000) {
    this.store = new KvStore(new Sessions(cap));
  }
  apply(command: Command): Outcome {
    return this.store.apply(++this.index, encodeCommand(command));
  }
  open(): number {
    const outcome = this.apply({ type: 'open-session' });
    return outcome.type === 'session' ? outcome.session : Number.NaN;
  }
}

const code = (outcome: Outcome): string => (outcome.type === 'error' ? outcome.code : outcome.type);

describe('a register', () => {
  test('shows the last write, and a tombstone after a delete', () => {
    const log = new Log();
    const session = log.open();
    expect(log.store.read('k')).toEqual({ present: false, value: null });
    log.apply({ type: 'write', session, seq: 1, key: 'k', value: 'a' });
    expect(log.store.read('k')).toEqual({ present: true, value: 'a' });
    log.apply({ type: 'delete', session, seq: 2, key: 'k', tombstone: 't' });
    expect(log.store.read('k')).toEqual({ present: false, value: 't' });
  });

  test('is set by a cas only if it has the expected value (null: never written)', () => {
    const log = new Log();
    const session = log.open();
    const cas = (seq: number, from: string | null, to: string): Outcome =>
      log.apply({ type: 'cas', session, seq, key: 'k', from, to });
    expect(code(cas(1, 'x', 'a'))).toBe('cas-mismatch');
    expect(code(cas(2, null, 'a'))).toBe('done');
    expect(cas(3, null, 'b')).toMatchObject({ code: 'cas-mismatch', found: { present: true, value: 'a' } });
    expect(code(cas(4, 'a', 'b'))).toBe('done');
    log.apply({ type: 'delete', session, seq: 5, key: 'k', tombstone: 't' });
    expect(code(cas(6, 'b', 'c'))).toBe('cas-mismatch');
    expect(code(cas(7, 't', 'c'))).toBe('done');
  });

  test('does not grow above one mebibyte by appends', () => {
    const log = new Log();
    const session = log.open();
    log.apply({ type: 'write', session, seq: 1, key: 'k', value: 'x'.repeat((1 << 20) - 1) });
    expect(code(log.apply({ type: 'append', session, seq: 2, key: 'k', value: 'y' }))).toBe('done');
    expect(code(log.apply({ type: 'append', session, seq: 3, key: 'k', value: 'z' }))).toBe('bad-request');
    expect(log.store.read('k').value).toHaveLength(1 << 20);
  });
});

describe('a session (dissertation 6.3)', () => {
  test('has the log index of its entry as number', () => {
    const log = new Log();
    expect([log.open(), log.open()]).toEqual([1, 2]);
  });

  test('answers a retried write from memory and applies it once', () => {
    const log = new Log();
    const session = log.open();
    const append: Command = { type: 'append', session, seq: 1, key: 'k', value: 'a' };
    expect([log.apply(append), log.apply(append)].map(code)).toEqual(['done', 'done']);
    expect(log.store.read('k').value).toBe('a');
  });

  test('gives a retried cas its first answer, although the value has changed since', () => {
    const log = new Log();
    const [one, two] = [log.open(), log.open()];
    const cas: Command = { type: 'cas', session: one, seq: 1, key: 'k', from: 'a', to: 'b' };
    const first = log.apply(cas);
    log.apply({ type: 'write', session: two, seq: 1, key: 'k', value: 'a' });
    expect(log.apply(cas)).toEqual(first);
    expect(log.store.read('k').value).toBe('a');
  });

  test('refuses a write if a later one of the session was applied already', () => {
    const log = new Log();
    const session = log.open();
    log.apply({ type: 'write', session, seq: 2, key: 'k', value: 'b' });
    expect(code(log.apply({ type: 'write', session, seq: 1, key: 'k', value: 'a' }))).toBe('stale-seq');
    expect(log.store.read('k').value).toBe('b');
  });

  test('does not exist before it was opened, so its writes are not applied', () => {
    const log = new Log();
    expect(code(log.apply({ type: 'write', session: 7, seq: 1, key: 'k', value: 'a' }))).toBe(
      'session-expired',
    );
    expect(log.store.read('k').value).toBeNull();
  });

  test('is removed if there are too many and it is the least recently used; a retry counts as a use', () => {
    const log = new Log(2);
    const [one, two] = [log.open(), log.open()];
    const write = (session: number): string =>
      code(log.apply({ type: 'write', session, seq: 1, key: 'k', value: 'a' }));
    expect(write(one)).toBe('done');
    const three = log.open();
    expect(write(two)).toBe('session-expired');
    expect(write(one)).toBe('done');
    log.open();
    expect(write(three)).toBe('session-expired');
    expect(write(one)).toBe('done');
  });

  test('is removed by the maximum number in the log, also if that number changes', () => {
    const log = new Log(100);
    const [one, two, three] = [log.open(), log.open(), log.open()];
    const write = (session: number): string =>
      code(log.apply({ type: 'write', session, seq: 1, key: 'k', value: 'a' }));
    expect(write(one)).toBe('done');
    log.apply({ type: 'open-session-within', cap: 2 });
    expect(log.store.sessions.size).toBe(2);
    expect([one, two, three].map(write)).toEqual(['done', 'session-expired', 'session-expired']);
    log.open();
    expect(log.store.sessions.size).toBe(3);
  });

  test('is removed at the same index on every node if it was idle for too long by the clock of the log', () => {
    const log = new Log();
    const [one, two] = [log.open(), log.open()];
    const write = (session: number, seq: number): string =>
      code(log.apply({ type: 'write', session, seq, key: 'k', value: 'a' }));
    log.apply({ type: 'expire-sessions', clockMs: 1_000, idleMs: 2_000 });
    expect(write(one, 1)).toBe('done');
    log.apply({ type: 'expire-sessions', clockMs: 3_000, idleMs: 2_000 });
    expect([write(one, 1), write(two, 1)]).toEqual(['done', 'session-expired']);
    // The time does not fall if a leader's clock is behind.
    log.apply({ type: 'expire-sessions', clockMs: 2_000, idleMs: 2_000 });
    expect(log.store.sessions).toMatchObject({ size: 1, clockMs: 3_000 });
    log.apply({ type: 'expire-sessions', clockMs: 5_001, idleMs: 2_000 });
    expect(write(one, 2)).toBe('session-expired');
  });
});

/** The same rules, implemented as a simple fold over the list of applied commands. */
function naive(log: readonly Command[]): { outcomes: string[]; state: Map<string, Register> } {
  const state = new Map<string, Register>();
  const applied = new Map<number, { seq: number; outcome: string; usedMs: number }>();
  let clockMs = 0;
  const outcomes = log.map((command, at) => {
    if (command.type === 'open-session' || command.type === 'open-session-within') {
      applied.set(at + 1, { seq: 0, outcome: '', usedMs: clockMs });
      const cap = command.type === 'open-session' ? Infinity : command.cap;
      while (applied.size > cap) applied.delete(applied.keys().next().value!);
      return 'session';
    }
    if (command.type === 'expire-sessions') {
      clockMs = Math.max(clockMs, command.clockMs);
      for (const [session, { usedMs }] of applied)
        if (clockMs - usedMs > command.idleMs) applied.delete(session);
      return 'done';
    }
    const last = applied.get(command.session);
    if (last === undefined) return 'session-expired';
    last.usedMs = clockMs;
    // Keeps the order of last use.
    applied.delete(command.session);
    applied.set(command.session, last);
    if (command.seq === last.seq) return last.outcome;
    if (command.seq < last.seq) return 'stale-seq';
    const now = state.get(command.key) ?? { present: false, value: null };
    const fails = command.type === 'cas' && now.value !== command.from;
    if (command.type === 'delete') state.set(command.key, { present: false, value: command.tombstone });
    else if (command.type === 'append')
      state.set(command.key, { present: true, value: `${now.value ?? ''}${command.value}` });
    else if (command.type === 'write') state.set(command.key, { present: true, value: command.value });
    else if (!fails) state.set(command.key, { present: true, value: command.to });
    last.seq = command.seq;
    last.outcome = fails ? 'cas-mismatch' : 'done';
    return last.outcome;
  });
  return { outcomes, state };
}

describe('the state machine', () => {
  test('gives the same results as a simple fold for any log', () => {
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 60 }), (list) => {
        const log = new Log();
        const expected = naive(list);
        expect(list.map((command) => code(log.apply(command)))).toEqual(expected.outcomes);
        for (const key of ['a', 'b', 'c']) {
          expect(log.store.read(key)).toEqual(expected.state.get(key) ?? { present: false, value: null });
        }
      }),
    );
  });

  test('reads back every command, and refuses data that is not a command', () => {
    fc.assert(
      fc.property(commands, fc.nat(), (command, cut) => {
        const data = encodeCommand(command);
        expect(decodeCommand(data)).toEqual(command);
        expect(() => decodeCommand(data.subarray(0, cut % data.length))).toThrow(MalformedBytes);
      }),
    );
    expect(() => decodeCommand(Buffer.of(99))).toThrow(/unknown command 99/);
  });
});
