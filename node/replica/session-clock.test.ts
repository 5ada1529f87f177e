import { describe, expect, test } from 'vitest';
import { decodeCommand } from '../kv/command.ts';
import type { CoreStatus } from '../raft/ready.ts';
import { logIndex, term } from '../raft/types.ts';
import { SessionClock } from './session-clock.ts';
import { Cluster } from './testing/members.ts';

const IDLE_MS = 8_000;
const status = (role: CoreStatus['role'], inTerm: number, lastIndex: number): CoreStatus =>
  ({ role, term: term(inTerm), lastIndex: logIndex(lastIndex) }) as CoreStatus;

describe('the clock of the log', () => {
  test('continues from the last time in the log, independently of the time on this node', () => {
    const sessions = { size: 1, clockMs: 50_000 };
    const clock = new SessionClock(IDLE_MS, sessions);
    const told = (nowMs: number): unknown => {
      const command = clock.due(status('leader', 3, 10), logIndex(10), nowMs);
      return command && decodeCommand(command);
    };
    expect(told(999_000)).toBeNull();
    expect(told(999_999)).toBeNull();
    expect(told(1_000_000)).toEqual({ type: 'expire-sessions', clockMs: 51_000, idleMs: IDLE_MS });
    // The time is written once, although it is not applied yet.
    expect(told(1_000_001)).toBeNull();
    expect(told(1_001_000)).toMatchObject({ clockMs: 52_000 });
  });

  test('is written only by a leader that has applied all entries of its predecessors, and only if there are sessions', () => {
    const sessions = { size: 1, clockMs: 0 };
    const clock = new SessionClock(IDLE_MS, sessions);
    expect(clock.due(status('leader', 3, 10), logIndex(9), 0)).toBeNull();
    expect(clock.due(status('leader', 3, 12), logIndex(9), 60_000)).toBeNull();
    sessions.clockMs = 70_000;
    expect(clock.due(status('leader', 3, 12), logIndex(10), 60_000)).toBeNull();
    expect(decodeCommand(clock.due(status('leader', 3, 12), logIndex(12), 61_000)!)).toMatchObject({
      clockMs: 71_000,
    });
    expect(clock.due(status('follower', 3, 12), logIndex(12), 90_000)).toBeNull();
    sessions.size = 0;
    expect(clock.due(status('leader', 4, 12), logIndex(12), 90_000)).toBeNull();
    expect(clock.due(status('leader', 4, 12), logIndex(12), 190_000)).toBeNull();
  });

  test('the session clock removes an idle session on all nodes, and keeps a used one, across a change of leaders', async () => {
    const cluster = await Cluster.withLeader({ sessionIdleMs: IDLE_MS });
    cluster.n1.open(1);
    cluster.n1.open(2);
    await cluster.settle();
    const [idle, used] = [1, 2].map((id) => cluster.n1.sessionOf(id));
    let leader = cluster.n1;
    for (let seq = 1; seq <= 30; seq++) {
      if (seq === 10) {
        leader.replica.administer({ type: 'transfer-leadership', target: 'n2' }, leader, 50);
        await cluster.pass(100);
        leader = cluster.n2;
      }
      leader.append(100 + seq, used!, seq);
      await cluster.pass(500);
      expect(leader.told(100 + seq)).toBe('done');
    }
    leader.append(200, idle!, 1);
    await cluster.pass(100);
    expect(leader.told(200)).toBe('session-expired');
    expect([...cluster.members.values()].map(({ store }) => store.sessions.size)).toEqual([1, 1, 1]);
  });
});
