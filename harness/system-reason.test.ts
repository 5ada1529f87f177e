import { expect, test } from 'vitest';
import { systemReason } from './system-reason.ts';

const coded = (message: string, code: string, cause?: unknown): Error =>
  Object.assign(new Error(message, { cause }), { code });

test('the reason is that of the innermost error whose code is known, with its meaning', () => {
  const inner = coded('connect EMFILE 127.0.0.1:1', 'EMFILE');
  const outer = new TypeError('fetch failed', { cause: new AggregateError([inner]) });
  expect(systemReason(coded('Command failed', 'EMFILE', outer))).toBe(
    'connect EMFILE 127.0.0.1:1: this process has no free file descriptors; raise the limit (ulimit -n)',
  );
});

test('an error whose code is not known is the reason itself', () => {
  expect(systemReason(coded('read EISDIR', 'EISDIR'))).toBe('read EISDIR');
  expect(systemReason(new TypeError('fetch failed', { cause: new Error('bad port') }))).toBe('bad port');
  expect(systemReason(coded('odd', 'toString'))).toBe('odd');
  expect(systemReason('text')).toBe('text');
});

test('an error that is its own cause has an end', () => {
  const error = new Error('round');
  error.cause = error;
  expect(systemReason(error)).toBe('round');
});
