import { describe, expect, it } from 'vitest';
import { ERRORS, type ClientResult, type ErrorCode } from '../../../node/protocol/client.ts';
import type { OpFunction } from '../../history/op.ts';
import { classifyAttempt, classifyTimeout } from '../../workload/outcome.ts';
import { endOf, type WireEnd } from './answers.ts';

const error = (code: ErrorCode): WireEnd => ({
  type: 'answer',
  result: { type: 'error', code, message: '' },
});
const answer = (result: ClientResult): WireEnd => ({ type: 'answer', result });
const MISMATCH = answer({
  type: 'error',
  code: 'cas-mismatch',
  message: '',
  found: { present: true, value: 'c1.1' },
});
const VALUE = answer({ type: 'value', present: true, value: 'c1.1' });
const DONE = answer({ type: 'done' });

/** `retry!` leaves the attempt uncertain. */
function verdict(f: OpFunction, end: WireEnd, othersUncertain = false, pinned = false): string {
  const classified = classifyAttempt({ f, othersUncertain, pinned }, endOf(end));
  if (classified.type === 'retry') return classified.uncertain ? 'retry!' : 'retry';
  return classified.outcome;
}

describe('the outcome table', () => {
  // what came of the attempt; read; write, nothing else uncertain; write, another attempt uncertain
  it.each<[string, WireEnd, string, string, string]>([
    ['not-leader', error('not-leader'), 'retry', 'retry', 'retry'],
    ['busy', error('busy'), 'retry', 'retry', 'retry'],
    ['read-unconfirmed', error('read-unconfirmed'), 'retry', 'retry', 'retry'],
    ['bad-request', error('bad-request'), 'fail', 'fail', 'info'],
    ['session-expired', error('session-expired'), 'fail', 'fail', 'info'],
    ['stale-seq', error('stale-seq'), 'fail', 'info', 'info'],
    ['leadership-lost', error('leadership-lost'), 'retry!', 'retry!', 'retry!'],
    ['stopping', error('stopping'), 'retry!', 'retry!', 'retry!'],
    ['storage-failed', error('storage-failed'), 'retry!', 'retry!', 'retry!'],
    ['lost', { type: 'lost' }, 'retry!', 'retry!', 'retry!'],
    ['refused', { type: 'unsent', error: 'refused' }, 'retry', 'retry', 'retry'],
    ['closed before proof', { type: 'unsent', error: 'closed' }, 'retry', 'retry', 'retry'],
    ['a session, which was not asked for', answer({ type: 'session', session: 1 }), 'fail', 'info', 'info'],
  ])('%s', (_name, end, read, write, writeAgain) => {
    expect([verdict('read', end), verdict('write', end), verdict('write', end, true)]).toEqual([
      read,
      write,
      writeAgain,
    ]);
  });

  it('an ok is an ok, whatever else was tried', () => {
    expect(classifyAttempt({ f: 'read', othersUncertain: false, pinned: false }, endOf(VALUE))).toEqual({
      type: 'end',
      outcome: 'ok',
      output: 'c1.1',
    });
    for (const f of ['write', 'cas', 'delete', 'append'] as const) {
      expect([verdict(f, DONE), verdict(f, DONE, true), verdict(f, DONE, true, true)]).toEqual([
        'ok',
        'ok',
        'ok',
      ]);
    }
    expect([verdict('read', DONE), verdict('write', VALUE)]).toEqual(['fail', 'info']);
  });

  it('a mismatch fails the cas for good, with what was found, also on a retry: the answer is remembered', () => {
    for (const othersUncertain of [false, true]) {
      expect(classifyAttempt({ f: 'cas', othersUncertain, pinned: false }, endOf(MISMATCH))).toEqual({
        type: 'end',
        outcome: 'fail',
        output: 'c1.1',
        error: 'cas-mismatch',
      });
    }
    expect(verdict('write', MISMATCH)).toBe('info');
  });

  it('a pinned client takes no for an answer, unless an earlier attempt may still happen', () => {
    const refusals: WireEnd[] = [error('not-leader'), { type: 'unsent', error: 'refused' }];
    for (const end of refusals) {
      expect(verdict('write', end, false, true)).toBe('fail');
      expect(verdict('write', end, true, true)).toBe('retry');
      expect(verdict('read', end, false, true)).toBe('fail');
    }
    expect(verdict('write', error('busy'), false, true)).toBe('retry');
  });

  it('no error of the protocol ever makes a write fail that may have happened', () => {
    // The one exception, a cas that is told its mismatch, has its own claim above.
    for (const code of (Object.keys(ERRORS) as ErrorCode[]).filter((each) => each !== 'cas-mismatch')) {
      for (const f of ['write', 'cas', 'delete', 'append'] as const) {
        for (const pinned of [false, true]) {
          expect(verdict(f, error(code), true, pinned)).not.toBe('fail');
          const first = verdict(f, error(code), false, pinned);
          expect(first).toMatch(ERRORS[code].definite ? /^(fail|retry)$/ : /^(info|retry!)$/);
        }
      }
    }
  });

  it('at the end of its time a write is info iff an attempt is uncertain; a read fails', () => {
    expect(classifyTimeout('write', true, 'not-leader')).toEqual({
      type: 'end',
      outcome: 'info',
      error: 'timeout',
    });
    expect(classifyTimeout('write', false, 'not-leader')).toEqual({
      type: 'end',
      outcome: 'fail',
      error: 'not-leader',
    });
    expect(classifyTimeout('write', false, null)).toEqual({ type: 'end', outcome: 'fail', error: 'timeout' });
    expect(classifyTimeout('read', true, 'closed')).toEqual({
      type: 'end',
      outcome: 'fail',
      error: 'timeout',
    });
  });
});
