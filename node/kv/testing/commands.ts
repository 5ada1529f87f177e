import fc from 'fast-check';
import type { Command } from '../command.ts';

const small = fc.constantFrom('a', 'b', 'c');
const inSession = {
  session: fc.integer({ min: 1, max: 6 }),
  seq: fc.integer({ min: 1, max: 8 }),
  key: small,
};
/** Any command. There are few keys and sessions, so that several commands use the same ones. */
export const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ type: fc.constant('open-session' as const) }),
  fc.record({ type: fc.constant('open-session-within' as const), cap: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    type: fc.constant('expire-sessions' as const),
    clockMs: fc.nat(100),
    idleMs: fc.integer({ min: 5, max: 40 }),
  }),
  fc.record({ type: fc.constant('write' as const), ...inSession, value: small }),
  fc.record({ type: fc.constant('append' as const), ...inSession, value: small }),
  fc.record({ type: fc.constant('delete' as const), ...inSession, tombstone: small }),
  fc.record({ type: fc.constant('cas' as const), ...inSession, from: fc.option(small), to: small }),
);
