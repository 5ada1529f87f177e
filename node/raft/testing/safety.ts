import { decodeConfiguration, encodeConfiguration, founding } from '../configuration.ts';
import type { Configuration, SnapshotMeta } from '../configuration.ts';
import { incarnationOf } from '../membership.ts';
import type { Message } from '../message.ts';
import type { ConfigurationAt } from '../membership.ts';
import type { CoreEvent, CoreStatus, ReadState } from '../ready.ts';
import { logIndex } from '../types.ts';
import type { Entry, NodeId } from '../types.ts';
import { lastStored, recover, storedTerm } from './disk.ts';
import type { Disk } from './disk.ts';
import { Prefixes, termOf } from './prefixes.ts';

/** One server as it is seen from outside. */
interface Seen {
  /** Of its present incarnation. */
  disk: WatchedDisk;
  readonly log: Prefixes;
  /** Those in its log, ascending, from the one at its base on. */
  configurations: ConfigurationAt[];
  /** As of the last event. */
  leads: boolean;
  term: number;
  /** Index of the last configuration that it has shown. */
  shown: number;
}

/** A disk, and the state machine's state in its snapshot: the identity of the log up to its end. */
export interface WatchedDisk extends Disk {
  snapshotState: string;
}

/**
 * The five safety properties of figure 3, and the core's promises about durability, checked from outside over all
 * servers. Every method throws at the first violation.
 */
export class SafetyWatch {
  readonly #founders: readonly NodeId[];
  readonly #looksInside: boolean;
  readonly #servers = new Map<NodeId, Seen>();
  /** Every incarnation's disk, `n3#0`: a lost one keeps the content of the time when it counted. */
  readonly #disks = new Map<string, WatchedDisk>();
  /** By term: `n3#0`. */
  readonly #leaderOf = new Map<number, string>();
  readonly #voteSent = new Map<string, NodeId>();
  /**
   * Identity of the whole log up to (index, term), and the server that had it first; equal everywhere by Log Matching.
   */
  readonly #prefix = new Map<string, string>();
  /** First known commit of each index: its prefix, and the term in which it was committed. */
  readonly #committed: { prefix: string; inTerm: number }[] = [];
  /** Every committed configuration, by index. */
  readonly #configurations: ConfigurationAt[];

  constructor(founders: readonly NodeId[], looksInside: boolean) {
    this.#founders = founders;
    this.#looksInside = looksInside;
    this.#configurations = [{ index: logIndex(0), configuration: founding(founders) }];
  }

  /** Highest index that any server has committed. */
  get maxCommit(): number {
    return this.#committed.length;
  }

  /** A server starts (again) with the content of its disk. `founder`: it was told the founders of the cluster. */
  started(id: NodeId, disk: WatchedDisk, founder: boolean): void {
    const { snapshot, entries } = recover(disk);
    const seen: Seen = {
      disk,
      log: new Prefixes(),
      configurations: [{ index: logIndex(0), configuration: founding(founder ? this.#founders : []) }],
      leads: false,
      term: disk.hardState.term,
      shown: -1,
    };
    this.#servers.set(id, seen);
    this.#disks.set(`${id}#${disk.incarnation}`, disk);
    if (snapshot !== null) this.#reset(id, seen, snapshot, disk.snapshotState);
    for (const entry of entries) this.#put(id, seen, entry);
  }

  /**
   * A server has crashed. If it led by its own vote alone, and that vote is not on its disk, it may lead the same term
   * again with other entries: no other server may know of it.
   */
  crashed(id: NodeId): void {
    const { term, disk } = this.#servers.get(id)!;
    for (let lost = disk.hardState.term + 1; lost <= term; lost++)
      if (this.#leaderOf.get(lost) === `${id}#${disk.incarnation}`) this.#forgetLead(id, lost);
  }

  #forgetLead(id: NodeId, term: number): void {
    for (const [other, { log }] of this.#servers) {
      if (other !== id && log.hasTerm(term))
        fail('durability', `${other} has entries of term ${term}, which ${id} may lead once more`);
    }
    this.#leaderOf.delete(term);
    for (const [key, identity] of this.#prefix) if (termOf(identity) === term) this.#prefix.delete(key);
  }

  event(id: NodeId, event: CoreEvent): void {
    const seen = this.#servers.get(id)!;
    switch (event.type) {
      case 'BecomeFollower':
      case 'BecomePreCandidate':
      case 'BecomeCandidate':
      case 'BecomeLeader':
        seen.leads = event.type === 'BecomeLeader';
        seen.term = event.term;
        if (seen.leads) this.#elected(id, seen);
        return;
      case 'Replicate':
        if (event.truncatedFrom !== null) this.#removed(id, seen, event.truncatedFrom);
        for (const entry of event.entries) this.#put(id, seen, entry);
        return;
      case 'Commit':
        this.#commit(id, seen, event.index);
        return;
      case 'GrantVote':
      case 'ChangeConf':
      case 'ApplyConfChange':
      case 'InstallSnapshot':
        return;
      default:
        event satisfies never;
    }
  }

  /** A snapshot replaces a server's log, and `state` the state of its state machine. */
  installed(id: NodeId, snapshot: SnapshotMeta, state: string): void {
    const seen = this.#servers.get(id)!;
    if (seen.leads) fail('Leader Append-Only', `${id} replaced its log by a snapshot`);
    this.#reset(id, seen, snapshot, state);
  }

  /** A message leaves the server: its promises must be on the disk. */
  sent(m: Message): void {
    const { disk } = this.#servers.get(m.from)!;
    if (m.type === 'RequestVote' && !m.preVote) this.#vote(m.from, m.term, m.from);
    if (m.type === 'RequestVoteResponse' && !m.preVote && m.voteGranted) this.#vote(m.from, m.term, m.to);
    if (m.type !== 'AppendEntriesResponse' || !m.success) return;
    if (disk.hardState.term < m.term)
      fail('durability', `${m.from} answers in term ${m.term}, stored: ${disk.hardState.term}`);
    // Replaced since by a later leader: then this old acknowledgement is of an old term and cannot count.
    if (disk.hardState.term === m.term && lastStored(disk) < m.matchIndex)
      fail('durability', `${m.from} acknowledges ${m.matchIndex}, stored: ${lastStored(disk)}`);
  }

  /** All events of a Ready were reported: the visible state must fit them. */
  shows(id: NodeId, { term, lastIndex, configuration, configurationIndex }: CoreStatus): void {
    if (!this.#looksInside) return;
    const seen = this.#servers.get(id)!;
    const latest = seen.configurations.at(-1)!;
    if (term !== seen.term || lastIndex !== seen.log.lastIndex)
      fail(
        'trace',
        `${id}: term ${term}, log up to ${lastIndex}, but told ${seen.term}, ${seen.log.lastIndex}`,
      );
    const isSame = latest.index === seen.shown || sameConfiguration(configuration, latest.configuration);
    if (configurationIndex !== latest.index || !isSame)
      fail(
        'membership',
        `${id} uses a configuration of ${configurationIndex}, its log has one at ${latest.index}`,
      );
    seen.shown = latest.index;
  }

  /** Returns the state of its state machine now. */
  applied(id: NodeId, entry: Entry): string {
    const { log, disk } = this.#servers.get(id)!;
    const state = log.at(entry.index);
    if (state === undefined || this.#committed[entry.index - 1]?.prefix !== state)
      fail('State Machine Safety', `${id} applied at ${entry.index} what is not committed there`);
    const stored = storedTerm(disk, entry.index);
    const inSnapshot = disk.snapshot !== null && entry.index <= disk.snapshot.index;
    if (stored !== entry.term && !inSnapshot)
      fail('durability', `${id} applied ${entry.index}, which is not on its disk`);
    return state;
  }

  /** A read that was asked for when `commitThen` was the highest commit anywhere must see that (linearizability). */
  read(id: NodeId, read: ReadState, commitThen: number): void {
    if (read.index < commitThen)
      fail('linearizable reads', `${id} reads at ${read.index}, but ${commitThen} was committed before`);
  }

  #put(id: NodeId, { log, configurations }: Seen, entry: Entry): void {
    if (entry.index !== log.lastIndex + 1) fail('log', `${id} put ${entry.index} behind ${log.lastIndex}`);
    const prefix = log.push(entry);
    if (entry.kind === 'config')
      configurations.push({ index: entry.index, configuration: decodeConfiguration(entry.data)! });
    const key = `${entry.index}/${entry.term}`;
    const known = this.#prefix.get(key);
    if (known === undefined) this.#prefix.set(key, prefix);
    else if (known !== prefix) fail('Log Matching', `${id} has another log up to (${key})`);
  }

  #reset(id: NodeId, seen: Seen, { index, term, configuration }: SnapshotMeta, state: string): void {
    if (this.#committed[index - 1]?.prefix !== state || termOf(state) !== term)
      fail('State Machine Safety', `${id} has a snapshot of (${index}, ${term}) that was never committed so`);
    const then = this.#configurations.findLast((known) => known.index <= index)!;
    if (!sameConfiguration(configuration, then.configuration))
      fail('membership', `${id} has a snapshot of ${index} with another configuration than ${then.index}'s`);
    seen.log.reset(index, state);
    seen.configurations = [{ index, configuration }];
  }

  #elected(id: NodeId, { log, term, configurations, disk }: Seen): void {
    const other = this.#leaderOf.get(term);
    if (other !== undefined) fail('Election Safety', `${other} and ${id} both lead term ${term}`);
    this.#leaderOf.set(term, `${id}#${disk.incarnation}`);
    this.#votedByQuorum(id, configurations.at(-1)!.configuration, term);
    for (let at = this.#committed.length; at > 0; at--) {
      const { prefix, inTerm } = this.#committed[at - 1]!;
      if (inTerm >= term) continue;
      // Entries before its log's base were checked earlier.
      if (at <= log.lastIndex && (log.at(at) ?? prefix) === prefix) return;
      fail('Leader Completeness', `${id} leads term ${term} without committed entry ${at}`);
    }
  }

  /** The winner has the votes of members, each of the incarnation that the configuration means, and its own. */
  #votedByQuorum(id: NodeId, configuration: Configuration, term: number): void {
    const voted = (voter: NodeId): boolean =>
      voter === id || this.#voteSent.get(`${voter}#${incarnationOf(configuration, voter)}/${term}`) === id;
    for (const half of [configuration.voters, configuration.outgoing]) {
      if (half.length > 0 && half.filter(voted).length * 2 <= half.length)
        fail('Election Safety', `${id} leads term ${term} without a majority of ${half.join(', ')}`);
    }
  }

  /** An older leader may still have removed entries that a newer one has committed elsewhere, without knowing it. */
  #removed(id: NodeId, seen: Seen, from: number): void {
    const { log, leads, term } = seen;
    if (leads) fail('Leader Append-Only', `${id} removed entries from ${from} on`);
    for (let at = from; at <= Math.min(log.lastIndex, this.#committed.length); at++) {
      const { prefix, inTerm } = this.#committed[at - 1]!;
      if (inTerm <= term && log.at(at) === prefix)
        fail('State Machine Safety', `${id} removed committed entry ${at}`);
    }
    log.truncateFrom(from);
    seen.configurations = seen.configurations.filter(({ index }) => index < from);
  }

  #commit(id: NodeId, { log, term: inTerm, configurations }: Seen, index: number): void {
    const last = log.at(index);
    if (last === undefined) fail('commit', `${id} commits ${index}, its log ends at ${log.lastIndex}`);
    const known = Math.min(index, this.#committed.length);
    const here = log.at(known);
    if (known > 0 && here !== undefined && this.#committed[known - 1]!.prefix !== here)
      fail('State Machine Safety', `${id} commits another entry at ${known}`);
    if (index <= this.#committed.length) return;
    // Configurations in its log only: those after the committed entry are not reported yet.
    this.#durableOnQuorum(id, configurations.at(-1)!.configuration, index, termOf(last));
    this.#configurations.push(
      ...configurations.filter((known) => known.index > this.#committed.length && known.index <= index),
    );
    for (let at = this.#committed.length + 1; at <= index; at++)
      this.#committed.push({ prefix: log.at(at)!, inTerm });
  }

  /** A committing leader counts the members that it knows, each as the incarnation that the configuration means. */
  #durableOnQuorum(id: NodeId, configuration: Configuration, index: number, term: number): void {
    const has = (voter: NodeId): boolean => {
      const disk = this.#disks.get(`${voter}#${incarnationOf(configuration, voter)}`);
      return disk !== undefined && (storedTerm(disk, index) === term || (disk.snapshot?.index ?? 0) >= index);
    };
    for (const half of [configuration.voters, configuration.outgoing]) {
      const durable = half.filter(has).length;
      if (half.length > 0 && durable * 2 <= half.length)
        fail('durability', `${id} commits ${index}, durable on ${durable} of ${half.join(', ')}`);
    }
  }

  #vote(voter: NodeId, term: number, candidate: NodeId): void {
    const { disk } = this.#servers.get(voter)!;
    const { hardState, incarnation } = disk;
    const stored = hardState.term > term || (hardState.term === term && hardState.votedFor === candidate);
    if (!stored)
      fail('durability', `${voter} gives its vote of term ${term} to ${candidate} before it is stored`);
    const key = `${voter}#${incarnation}/${term}`;
    const other = this.#voteSent.get(key);
    if (other !== undefined && other !== candidate)
      fail('one vote per term', `${voter}, term ${term}: ${other}, ${candidate}`);
    this.#voteSent.set(key, candidate);
  }
}

function sameConfiguration(a: Configuration, b: Configuration): boolean {
  return encodeConfiguration(a).join() === encodeConfiguration(b).join();
}

class SafetyViolation extends Error {
  override readonly name = 'SafetyViolation';
}

function fail(property: string, detail: string): never {
  throw new SafetyViolation(`${property}: ${detail}`);
}
