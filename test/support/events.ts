import type { HarnessEvent } from '../../harness/event.ts';
import { logIndex, nodeId, term, type RoleName } from '../../node/raft/types.ts';

/** First events of most dashboard tests. */
export const runEvent = (nodes: readonly string[] = ['n1', 'n2', 'n3']): HarnessEvent => ({
  t: 0,
  type: 'run',
  run: 'reports/7f3a',
  scenario: 'partition-leader',
  file: 'scenarios/partition-leader.yaml',
  seed: 42,
  nodes,
  links: { kind: 'toxiproxy', version: '2.12.0', url: 'http://127.0.0.1:8474' },
  out: 'reports/7f3a',
  steps: [
    { text: 'wait leader', line: 8 },
    { text: 'partition isolate leader', line: 9 },
    { text: 'heal all', line: 10 },
  ],
  startedAt: '2026-01-01T00:00:00.000Z',
});

/** A status event. `leader` is the node that it follows; a leader follows itself. */
export const statusEvent = (
  t: number,
  node: string,
  role: RoleName,
  inTerm: number,
  more: { readonly leader?: string; readonly commit?: number } = {},
): HarnessEvent => {
  const leader = role === 'leader' ? node : (more.leader ?? null);
  const commit = logIndex(more.commit ?? 100);
  return {
    t,
    type: 'status',
    node,
    role,
    term: term(inTerm),
    votedFor: null,
    leader: leader === null ? null : nodeId(leader),
    commit,
    applied: commit,
    lastIndex: commit,
    lastTerm: term(inTerm),
    durable: commit,
    appliedDigest: 0,
    rssBytes: 1,
  };
};

/** Events of a node that becomes the leader of a term and of the others that follow it. */
export const elected = (
  t: number,
  leader: string,
  inTerm: number,
  followers: readonly string[],
): HarnessEvent[] => [
  statusEvent(t, leader, 'leader', inTerm),
  ...followers.map((node) => statusEvent(t, node, 'follower', inTerm, { leader })),
];

export const opsEvent = (t: number, ok: number, latency: number | null = 3): HarnessEvent => ({
  t,
  type: 'ops',
  windowMs: 250,
  ok,
  fail: 0,
  info: 0,
  p50: ok === 0 ? null : latency,
  p99: ok === 0 || latency === null ? null : latency * 4,
  max: latency,
  total: { invoked: ok, ok, fail: 0, info: 0 },
  okByFunction: {},
});
