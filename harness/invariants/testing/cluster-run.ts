import type { TraceEvent } from '../../trace.ts';
import type { Random } from '../../random.ts';
import {
  applied,
  became,
  committed,
  installed,
  recovered,
  replicated,
  type Sketch,
  snapshot,
  took,
  voted,
} from './trace.ts';

interface Server {
  readonly id: string;
  term: number;
  votedFor: string | null;
  log: Entry[];
  /** Index of the snapshot that replaces the log up to it: earlier entries are neither sent nor on disk. */
  base: number;
  commit: number;
  applied: number;
  readonly lines: TraceEvent[];
}
type Entry = readonly [term: number, digest: number];

/**
 * The traces of correct nodes, by node: a simple model of Raft in which elections, replication, commits, snapshots,
 * crashes and restarts happen one at a time and correctly. No property may find a violation in it.
 */
export function clusterRun(
  random: Random,
  nodes: readonly string[],
  steps: number,
): Map<string, TraceEvent[]> {
  const servers = nodes.map((id): Server => ({
    id,
    term: 0,
    votedFor: null,
    log: [],
    base: 0,
    commit: 0,
    applied: 0,
    lines: [recovered(0, null)],
  }));
  const majority = Math.floor(nodes.length / 2) + 1;
  let leader: Server | null = null;
  for (let step = 0; step < steps; step++) {
    const dice = random.float();
    if (leader === null || dice < 0.05) {
      const before: { server: Server | null; term: number } = { server: leader, term: leader?.term ?? 0 };
      leader = elect(servers, random, majority);
      // After an election without a winner, the old leader still leads if it did not see the new term.
      if (leader === null && before.server?.term === before.term) leader = before.server;
    } else if (dice < 0.1) {
      const victim = random.pick(servers);
      restart(victim);
      if (victim === leader) leader = null;
    } else if (dice < 0.15) takeSnapshot(random.pick(servers));
    else if (dice < 0.4) append(leader, random);
    else leader = replicate(leader, random.pick(servers), servers, majority) ? leader : null;
  }
  return new Map(servers.map(({ id, lines }) => [id, lines]));
}

const lastTerm = (server: Server): number => server.log.at(-1)?.[0] ?? 0;
const upToDate = (candidate: Server, voter: Server): boolean =>
  lastTerm(candidate) > lastTerm(voter) ||
  (lastTerm(candidate) === lastTerm(voter) && candidate.log.length >= voter.log.length);

function elect(servers: readonly Server[], random: Random, majority: number): Server | null {
  const candidate = random.pick(servers);
  candidate.term++;
  candidate.votedFor = candidate.id;
  candidate.lines.push(became('Candidate', candidate.term), voted(candidate.term, candidate.id));
  let votes = 1;
  for (const voter of servers) {
    // These servers were not reached, or have seen a higher term.
    if (voter === candidate || random.float() < 0.2 || voter.term > candidate.term) continue;
    if (voter.term < candidate.term) adopt(voter, candidate.term);
    if (voter.votedFor !== null || !upToDate(candidate, voter)) continue;
    voter.votedFor = candidate.id;
    voter.lines.push(voted(voter.term, candidate.id));
    votes++;
  }
  if (votes < majority) return null;
  candidate.lines.push(became('Leader', candidate.term));
  append(candidate, random);
  return candidate;
}

function adopt(server: Server, term: number): void {
  server.term = term;
  server.votedFor = null;
  server.lines.push(became('Follower', term));
}

function append(leader: Server, random: Random): void {
  const digest = random.int(1, 2 ** 31 - 1);
  leader.log.push([leader.term, digest]);
  leader.lines.push(replicated(leader.log.length, [[leader.term, digest]]));
}

/**
 * One AppendEntries from the leader, accepted at once, and the resulting commit. Returns false if the leader is
 * deposed.
 */
function replicate(leader: Server, follower: Server, servers: readonly Server[], majority: number): boolean {
  if (follower.term > leader.term) {
    adopt(leader, follower.term);
    return false;
  }
  if (follower === leader) return true;
  if (follower.term < leader.term) adopt(follower, leader.term);
  if (follower.log.length < leader.base) install(follower, leader);
  let same = follower.base;
  while (same < follower.log.length && follower.log[same]?.[1] === leader.log[same]?.[1]) same++;
  const entries: Sketch = leader.log.slice(same);
  if (entries.length > 0) {
    follower.lines.push(replicated(same + 1, entries, same < follower.log.length));
    follower.log = [...leader.log];
  }
  const held = (index: number): number =>
    servers.filter((server) => server.log[index - 1]?.[1] === leader.log[index - 1]![1]).length;
  for (
    let index = leader.log.length;
    index > leader.commit && leader.log[index - 1]![0] === leader.term;
    index--
  ) {
    if (held(index) >= majority) commit(leader, index);
  }
  commit(follower, Math.min(leader.commit, follower.log.length));
  return true;
}

function commit(server: Server, index: number): void {
  if (index <= server.commit) return;
  server.commit = index;
  server.applied = index;
  const [term, digest] = server.log[index - 1]!;
  server.lines.push(committed(index, term), applied(index, digest));
}

function takeSnapshot(server: Server): void {
  if (server.applied <= server.base) return;
  server.base = server.applied;
  server.lines.push(took(pointAt(server.log, server.base)));
}

/** Installs the leader's snapshot, because its log does not have the entries any more that the follower lacks. */
function install(follower: Server, leader: Server): void {
  follower.base = leader.base;
  follower.log = leader.log.slice(0, leader.base);
  follower.commit = leader.base;
  follower.applied = leader.base;
  follower.lines.push(installed(pointAt(leader.log, leader.base)));
}

function pointAt(log: readonly Entry[], index: number): ReturnType<typeof snapshot> {
  const [term, digest] = log[index - 1]!;
  return snapshot(index, term, digest);
}

function restart(server: Server): void {
  const { log, base, term, votedFor } = server;
  server.commit = base;
  server.applied = base;
  const point = base === 0 ? null : pointAt(log, base);
  server.lines.push(recovered(term, votedFor, log.slice(base), point));
}
