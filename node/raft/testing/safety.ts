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

/** State of one server as seen from outside. */
interface Seen {
  /** Disk of its present incarnation. */
  disk: WatchedDisk;
  readonly log: Prefixes;
  /** Configurations in its log, ascending. The first one is that at the base. */
  configurations: ConfigurationAt[];
  /** True if the server led after its last event. */
  leads: boolean;
  term: number;
  /** Index of the last configuration that it has shown. */
  shown: number;
}

/** A disk, and the state machine's state in its snapshot: the identity of the log up to the snapshot's end. */
export interface WatchedDisk extends Disk {
  snapshotState: string;
}

/**
 * Checks the five safety properties of figure 3, and the core's promises about durability, from outside and over all
 * servers. Every method throws at the first violation.
 */
export class SafetyWatch {
  readonly #founders: readonly NodeId[];
  readonly #looksInside: boolean;
  readonly #servers = new Map<NodeId, Seen>();
  /** Disk by server and incarnation, such as `n3#0`. A lost disk keeps the content from the time when it counted. */
  readonly #disks = new Map<string, WatchedDisk>();
  /** Leader of each term, such as `n3#0`. */
  readonly #leaderOf = new Map<number, string>();
  readonly #voteSent = new Map<string, NodeId>();
  /**
   * Identity of the whole log up to (index, term). By Log Matching it is equal on all servers.
   */
  readonly #prefix = new Map<string, string>();
  /** First known commit of each index: the identity of the log up to it, and the term in which it was committed. */
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

  /**
   * Notes that a server starts (again) with the content of its disk. `founder`: it knows the founders of the cluster.
   */
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
   * Notes that a server has crashed. If it was elected only by its own vote, and that vote is not on its disk, it may
   * lead the same term again with other entries. So no other server may have entries of that term.
   */
  crashed(id: NodeId): void {
    const { term, disk } = this.#servers.get(id)!;
    for (let lost = disk.hardState.term + 1; lost <= term; lost++)
      if (this.#leaderOf.get(lost) === `${id}#${disk.incarnation}`) this.#forgetLead(id, lost);
  }

  #forgetLead(id: NodeId, term: number): void {
    for (const [other, { log }] of this.#servers) {
      if (other !== id && log.hasTerm(term))
        fail('durability', `${other} has entries of term ${term}, which ${id} may lead again`);
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

  /** Notes that a snapshot replaces a server's log, and `state` the state of its state machine. */
  installed(id: NodeId, snapshot: SnapshotMeta, state: string): void {
    const seen = this.#servers.get(id)!;
    if (seen.leads) fail('Leader Append-Only', `${id} replaced its log by a snapshot`);
    this.#reset(id, seen, snapshot, state);
  }

  /** Checks that the promises of a message that is sent are on the disk. */
  sent(m: Message): void {
    const { disk } = this.#servers.get(m.from)!;
    if (m.type === 'RequestVote' && !m.preVote) this.#vote(m.from, m.term, m.from);
    if (m.type === 'RequestVoteResponse' && !m.preVote && m.voteGranted) this.#vote(m.from, m.term, m.to);
    if (m.type !== 'AppendEntriesResponse' || !m.success) return;
    if (disk.hardState.term < m.term)
      fail('durability', `${m.from} answers in term ${m.term}, but has stored term ${disk.hardState.term}`);
    // If a later leader has replaced the entries, this acknowledgement is of an old term and cannot count.
    if (disk.hardState.term === m.term && lastStored(disk) < m.matchIndex)
      fail(
        'durability',
        `${m.from} acknowledges ${m.matchIndex}, but has stored only up to ${lastStored(disk)}`,
      );
  }

  /** Call it when all events of a Ready were reported: checks that they fit the visible state. */
  shows(id: NodeId, { term, lastIndex, configuration, configurationIndex }: CoreStatus): void {
    if (!this.#looksInside) return;
    const seen = this.#servers.get(id)!;
    const latest = seen.configurations.at(-1)!;
    if (term !== seen.term || lastIndex !== seen.log.lastIndex)
      fail(
        'trace',
        `${id}: term ${term}, log up to ${lastIndex}, but reported were ${seen.term}, ${seen.log.lastIndex}`,
      );
    const isSame = latest.index === seen.shown || sameConfiguration(configuration, latest.configuration);
    if (configurationIndex !== latest.index || !isSame)
      fail(
        'membership',
        `${id} uses the configuration of ${configurationIndex}, but its log has one at ${latest.index}`,
      );
    seen.shown = latest.index;
  }

  /** Notes that a server has applied `entry`. Returns the new state of its state machine. */
  applied(id: NodeId, entry: Entry): string {
    const { log, disk } = this.#servers.get(id)!;
    const state = log.at(entry.index);
    if (state === undefined || this.#committed[entry.index - 1]?.prefix !== state)
      fail('State Machine Safety', `${id} applied an entry at ${entry.index} that is not committed there`);
    const stored = storedTerm(disk, entry.index);
    const inSnapshot = disk.snapshot !== null && entry.index <= disk.snapshot.index;
    if (stored !== entry.term && !inSnapshot)
      fail('durability', `${id} applied ${entry.index}, which is not on its disk`);
    return state;
  }

  /** Checks a read: it must see `commitThen`, the highest commit index of all servers when it was requested. */
  read(id: NodeId, read: ReadState, commitThen: number): void {
    if (read.index < commitThen)
      fail(
        'linearizable reads',
        `${id} reads at ${read.index}, but ${commitThen} was committed before the read was requested`,
      );
  }

  #put(id: NodeId, { log, configurations }: Seen, entry: Entry): void {
    if (entry.index !== log.lastIndex + 1)
      fail('log', `${id} appended entry ${entry.index} after ${log.lastIndex}`);
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
      fail(
        'State Machine Safety',
        `${id} has a snapshot up to (${index}, ${term}), which was never committed`,
      );
    const then = this.#configurations.findLast((known) => known.index <= index)!;
    if (!sameConfiguration(configuration, then.configuration))
      fail(
        'membership',
        `${id} has a snapshot up to ${index} whose configuration is not that of ${then.index}`,
      );
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

  /** Checks that a majority voted for the leader. Only votes of the incarnations in the configuration count. */
  #votedByQuorum(id: NodeId, configuration: Configuration, term: number): void {
    const voted = (voter: NodeId): boolean =>
      voter === id || this.#voteSent.get(`${voter}#${incarnationOf(configuration, voter)}/${term}`) === id;
    for (const half of [configuration.voters, configuration.outgoing]) {
      if (half.length > 0 && half.filter(voted).length * 2 <= half.length)
        fail('Election Safety', `${id} leads term ${term} without a majority of ${half.join(', ')}`);
    }
  }

  /** Checks a truncation. An older leader may remove entries that a newer one has committed elsewhere meanwhile. */
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
    if (last === undefined) fail('commit', `${id} commits ${index}, but its log ends at ${log.lastIndex}`);
    const known = Math.min(index, this.#committed.length);
    const here = log.at(known);
    if (known > 0 && here !== undefined && this.#committed[known - 1]!.prefix !== here)
      fail('State Machine Safety', `${id} commits another entry at ${known}`);
    if (index <= this.#committed.length) return;
    // The last configuration in the log as reported; later ones are reported after this event.
    this.#durableOnQuorum(id, configurations.at(-1)!.configuration, index, termOf(last));
    this.#configurations.push(
      ...configurations.filter((known) => known.index > this.#committed.length && known.index <= index),
    );
    for (let at = this.#committed.length + 1; at <= index; at++)
      this.#committed.push({ prefix: log.at(at)!, inTerm });
  }

  /** Checks that a committed entry is durable on a majority. Only the incarnations in the configuration count. */
  #durableOnQuorum(id: NodeId, configuration: Configuration, index: number, term: number): void {
    const has = (voter: NodeId): boolean => {
      const disk = this.#disks.get(`${voter}#${incarnationOf(configuration, voter)}`);
      return disk !== undefined && (storedTerm(disk, index) === term || (disk.snapshot?.index ?? 0) >= index);
    };
    for (const half of [configuration.voters, configuration.outgoing]) {
      const durable = half.filter(has).length;
      if (half.length > 0 && durable * 2 <= half.length)
        fail(
          'durability',
          `${id} commits ${index}, which is durable on only ${durable} of ${half.join(', ')}`,
        );
    }
  }

  #vote(voter: NodeId, term: number, candidate: NodeId): void {
    const { disk } = this.#servers.get(voter)!;
    const { hardState, incarnation } = disk;
    const stored = hardState.term > term || (hardState.term === term && hardState.votedFor === candidate);
    if (!stored)
      fail('durability', `${voter} gives its vote of term ${term} to ${candidate} before the vote is stored`);
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
