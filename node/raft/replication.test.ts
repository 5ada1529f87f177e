import { describe, expect, test } from 'vitest';

import { founding } from './configuration.ts';
import type { AppendEntriesResponse } from './message.ts';
import {
  appendEntries,
  entry,
  heartbeat,
  n1,
  n2,
  n3,
  only,
  requestVote,
  TestServer,
} from './testing/server.ts';
import type { Incoming } from './testing/server.ts';

const answers = (server: TestServer, m: Incoming): AppendEntriesResponse[] => {
  server.receive(m);
  return only(server.settle(), 'AppendEntriesResponse');
};

describe('AppendEntries (§5.3)', () => {
  test('an append is refused if the log has no entry, or one of another term, at prevLogIndex', () => {
    const server = new TestServer({ term: 3, log: [1, 1, 2, 2] });
    expect(answers(server, appendEntries(n2, 3, [3, 6], [3]))).toMatchObject([
      { success: false, matchIndex: 6, conflictTerm: 0, conflictIndex: 5 },
    ]);
    expect(answers(server, appendEntries(n2, 3, [3, 4], [3]))).toMatchObject([
      { success: false, matchIndex: 4, conflictTerm: 2, conflictIndex: 3 },
    ]);
    expect(server.logTerms()).toEqual([1, 1, 2, 2]);
  });

  test('the entries after prevLogIndex are appended and acknowledged', () => {
    const server = new TestServer({ term: 2, log: [1] });
    expect(answers(server, appendEntries(n2, 2, [1, 1], [1, 2]))).toMatchObject([
      { success: true, matchIndex: 3 },
    ]);
    expect(server.logTerms()).toEqual([1, 1, 2]);
  });

  test('an append removes an entry that differs, and all entries after it', () => {
    const server = new TestServer({ term: 3, log: [1, 2, 2, 2] });
    answers(server, appendEntries(n2, 3, [1, 1], [3]));
    expect(server.logTerms()).toEqual([1, 3]);
    expect(server.events.at(-1)).toMatchObject({
      type: 'Replicate',
      truncatedFrom: 2,
      entries: [{ index: 2, term: 3 }],
    });
  });

  test.each([
    { name: 'old', m: appendEntries(n2, 2, [1, 1], [2]), acknowledged: 2 },
    { name: 'repeated', m: appendEntries(n2, 2, [2, 2], [2, 2]), acknowledged: 4 },
    { name: 'empty', m: appendEntries(n2, 2, [1, 1]), acknowledged: 1 },
  ])(
    'an append that is $name never removes entries that match, and acknowledges only entries that it verifies',
    ({ m, acknowledged }) => {
      const server = new TestServer({ term: 2, log: [1, 2, 2, 2] });
      expect(answers(server, m)).toMatchObject([{ success: true, matchIndex: acknowledged }]);
      expect(server.logTerms()).toEqual([1, 2, 2, 2]);
    },
  );

  test('only the entries after the last one that matches are written again', () => {
    const server = new TestServer({ term: 2, log: [1, 2] });
    server.receive(appendEntries(n2, 2, [1, 1], [2, 2, 2]));
    expect(server.take().entries.map((e) => e.index)).toEqual([3, 4]);
  });

  test('an append that would replace a committed entry, and a second leader of a term, throw an error', () => {
    const server = new TestServer({ term: 2, log: [1, 1] });
    server.receive(appendEntries(n2, 2, [1, 2], [], 2));
    expect(() => server.receive(appendEntries(n2, 2, [1, 1], [2]))).toThrow(
      'entry 2 differs from a committed one',
    );
    expect(() => server.receive(heartbeat(n3, 2))).toThrow('n3 and n2 both lead term 2');
  });
});

/** Figure 7: the leader of term 8 has the log at the top; each follower ends with the same log. */
describe('figure 7', () => {
  const leaderLog = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  test.each([
    { follower: 'a', log: [1, 1, 1, 4, 4, 5, 5, 6, 6] },
    { follower: 'b', log: [1, 1, 1, 4] },
    { follower: 'c', log: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6] },
    { follower: 'd', log: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7] },
    { follower: 'e', log: [1, 1, 1, 4, 4, 4, 4] },
    { follower: 'f', log: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3] },
  ])('follower ($follower) ends with the log of the leader, in few steps', ({ log }) => {
    const server = new TestServer({ term: 7, log });
    const leader = new TestServer({ term: 7, log: leaderLog });
    leader.electLeader();
    let probes = 0;
    let toFollower = only(leader.settle(), 'AppendEntries').filter((m) => m.to === n3);
    while (toFollower.length > 0) {
      probes += toFollower.length;
      for (const m of toFollower) server.raft.step({ ...m, from: n2, to: server.status.id }, server.nowMs);
      for (const m of server.settle())
        leader.raft.step({ ...m, from: n3, to: leader.status.id }, leader.nowMs);
      toFollower = only(leader.settle(), 'AppendEntries').filter((m) => m.to === n3);
    }
    expect(server.logTerms()).toEqual([...leaderLog, 8]);
    // There is one refusal for each of the follower's terms that the leader lacks, not one for each entry.
    expect(probes).toBeLessThanOrEqual(4);
  });
});

describe('durability', () => {
  test('an acknowledgement is sent only after its entries are durable, a refusal at once', () => {
    const server = new TestServer({ term: 2, log: [1] });
    server.receive(appendEntries(n2, 2, [1, 1], [2]));
    server.receive(appendEntries(n2, 2, [2, 9], [2]));
    const ready = server.take();
    expect(ready.entries.map((e) => e.index)).toEqual([2]);
    expect(ready.messages).toMatchObject([{ success: false }]);
    expect(ready.messagesAfterPersist).toMatchObject([{ success: true, matchIndex: 2 }]);
  });

  test('a repeated message is acknowledged only after the write that is still under way', () => {
    const server = new TestServer({ term: 2, log: [1] });
    server.receive(appendEntries(n2, 2, [1, 1], [2]));
    server.take();
    server.receive(appendEntries(n2, 2, [1, 1], [2]));
    const again = server.take();
    expect(again.entries).toEqual([]);
    expect(again.messages).toEqual([]);
    expect(again.messagesAfterPersist).toMatchObject([{ success: true, matchIndex: 2 }]);
  });

  test('committed entries are handed out only after they are durable on this server', () => {
    const server = new TestServer({ term: 2, log: [1] });
    server.receive(appendEntries(n2, 2, [1, 1], [2, 2], 3));
    const ready = server.take();
    expect(server.status).toMatchObject({ commitIndex: 3, durableIndex: 1 });
    expect(ready.committed.map((e) => e.index)).toEqual([1]);
    expect(server.raft.hasReady()).toBe(false);
    server.persist(ready);
    expect(server.take().committed.map((e) => e.index)).toEqual([2, 3]);
  });

  test('a late acknowledgement of replaced entries does not make their successors durable', () => {
    const server = new TestServer({ term: 2, log: [1] });
    server.receive(appendEntries(n2, 2, [1, 1], [2, 2]));
    const first = server.take();
    server.receive(appendEntries(n3, 3, [1, 1], [3, 3], 3));
    const second = server.take();
    server.persist(first);
    expect(server.status).toMatchObject({ commitIndex: 3, durableIndex: 1 });
    expect(server.take().committed).toEqual([]);
    server.persist(second);
    expect(server.take().committed).toMatchObject([{ term: 3 }, { term: 3 }]);
  });

  test('all output is handed out once', () => {
    const server = new TestServer({ term: 2, log: [1] });
    server.receive(appendEntries(n2, 3, [1, 1], [2], 2));
    server.settle();
    expect(server.raft.hasReady()).toBe(false);
    expect(server.take()).toEqual({
      hardState: null,
      snapshot: null,
      entries: [],
      messages: [],
      messagesAfterPersist: [],
      committed: [],
      reads: [],
      failedReads: [],
      events: [],
    });
  });

  test('a long log is handed out in pieces after a restart', () => {
    const server = new TestServer({ term: 1, log: Array.from({ length: 10_000 }, () => 1) });
    server.receive(heartbeat(n2, 1, [1, 10_000]));
    expect(server.take().committed.length).toBe(4096);
    expect(server.raft.hasReady()).toBe(true);
    server.settle();
    expect(server.applied.at(-1)).toMatchObject({ index: 10_000 - 4096 + 4096 });
  });

  test('applying beyond what was handed out is an error of the driver', () => {
    const server = new TestServer({ term: 1, log: [1] });
    expect(() => server.raft.appliedTo(entry(1, 1).index)).toThrow('the applied index from 0 to 1');
  });
});

describe('the commit index of a follower', () => {
  test('is the lower of leaderCommit and the last entry that the same message verified', () => {
    const server = new TestServer({ term: 2, log: [1, 1, 1] });
    server.receive(appendEntries(n2, 2, [1, 1], [], 3));
    expect(server.status.commitIndex).toBe(1);
    server.receive(appendEntries(n2, 2, [1, 1], [2], 2));
    expect(server.status.commitIndex).toBe(2);
    server.receive(appendEntries(n2, 2, [2, 2], [2, 2], 3));
    expect(server.status.commitIndex).toBe(3);
  });

  test('never falls', () => {
    const server = new TestServer({ term: 2, log: [1, 1] });
    server.receive(heartbeat(n2, 2, [1, 2]));
    server.receive(heartbeat(n2, 2, [1, 1]));
    server.receive(appendEntries(n2, 2, [1, 1], [], 1));
    expect(server.status.commitIndex).toBe(2);
  });

  test('follows heartbeats, whose answers do not wait for the disk', () => {
    const server = new TestServer({ term: 2, log: [1, 1] });
    server.receive(requestVote(n3, 2, [2, 9]));
    server.receive(heartbeat(n2, 2, [1, 2], 5));
    const ready = server.take();
    expect(ready.messages).toMatchObject([{ type: 'HeartbeatResponse', to: n2, readContext: 5, term: 2 }]);
    expect(ready.committed.length).toBe(2);
  });

  test('does not follow a heartbeat whose commit index is beyond the log or has another term', () => {
    const server = new TestServer({ term: 3, log: [1, 2] });
    for (const commit of [
      [3, 9],
      [3, 2],
      [1, 2],
    ] as const)
      server.receive(heartbeat(n2, 3, commit));
    expect(server.status.commitIndex).toBe(0);
    server.receive(heartbeat(n2, 3, [2, 2]));
    expect(server.status.commitIndex).toBe(2);
  });
});

describe('the initial state of a node', () => {
  test('is checked: the log against the stored term, and the config', () => {
    expect(() => new TestServer({ term: 1, log: [1, 2] })).toThrow(
      'the log ends in term 2, but the stored term is 1',
    );
    expect(() => new TestServer({ peers: [n2, n3] })).toThrow('do not contain this node, n1');
    expect(() => new TestServer({ config: { heartbeatMs: 150 } })).toThrow(
      'heartbeat 150 ms must lie in (0, 150)',
    );
    expect(() => new TestServer({ config: { electionTimeoutMaxMs: 150 } })).toThrow(
      'range [150, 150) ms is empty',
    );
  });

  test('has the term, the vote and the log, but no commit index', () => {
    const server = new TestServer({ term: 4, votedFor: n3, log: [1, 4] });
    expect(server.status).toMatchObject({
      id: 'n1',
      role: 'follower',
      term: 4,
      votedFor: n3,
      leader: null,
      transferTo: null,
      commitIndex: 0,
      lastIndex: 2,
      lastTerm: 4,
      durableIndex: 2,
      baseIndex: 0,
      configuration: founding([n1, n2, n3]),
      configurationIndex: 0,
    });
    expect(server.raft.hasReady()).toBe(false);
  });
});
