import type { Message } from '../message.ts';
import type { CoreEvent, ReadState } from '../ready.ts';
import type { Entry, HardState, NodeId } from '../types.ts';

/** What one server's storage holds; survives its crashes. */
export interface Disk {
  hardState: HardState;
  entries: Entry[];
}

/**
 * The five safety properties of figure 3, and what the core promises about durability, watched from outside over all
 * servers. Every method throws at the first violation.
 */
export class SafetyWatch {
  readonly #disks: ReadonlyMap<NodeId, Disk>;
  readonly #leaderOf = new Map<number, NodeId>();
  readonly #voteSent = new Map<string, NodeId>();
  /** Identity of the whole log up to (index, term); equal everywhere by Log Matching. */
  readonly #prefix = new Map<string, string>();
  /** What each server's log holds in memory: the identity of its prefix at each index. */
  readonly #logs = new Map<NodeId, string[]>();
  /** First known commit of each index: its prefix, and the term in which it was committed. */
  readonly #committed: { prefix: string; inTerm: number }[] = [];
  readonly #applied: string[] = [];
  /** As of the last role event. */
  readonly #roles = new Map<NodeId, { readonly leads: boolean; readonly term: number }>();

  /**
   * A cluster of one is led on a vote that is not durable yet, so after a crash it may lead the same term again, with
   * other entries in place of those that were not durable either. No one else is there to see the difference.
   */
  readonly #alone: boolean;

  constructor(disks: ReadonlyMap<NodeId, Disk>) {
    this.#disks = disks;
    this.#alone = disks.size === 1;
    for (const id of disks.keys()) this.#logs.set(id, []);
  }

  /** Highest index that any server has committed. */
  get maxCommit(): number {
    return this.#committed.length;
  }

  /** A server starts (again) with what is on its disk. */
  started(id: NodeId): void {
    this.#logs.set(id, []);
    this.#roles.set(id, { leads: false, term: this.#disks.get(id)!.hardState.term });
    for (const entry of this.#disks.get(id)!.entries) this.#put(id, entry);
  }

  event(id: NodeId, event: CoreEvent): void {
    switch (event.type) {
      case 'BecomeFollower':
      case 'BecomePreCandidate':
      case 'BecomeCandidate':
      case 'BecomeLeader':
        this.#roles.set(id, { leads: event.type === 'BecomeLeader', term: event.term });
        if (event.type === 'BecomeLeader') this.#elected(id, event.term);
        return;
      case 'Replicate':
        if (event.truncatedFrom !== null) this.#removed(id, event.truncatedFrom);
        for (const entry of event.entries) this.#put(id, entry);
        return;
      case 'Commit':
        this.#commit(id, event.index);
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

  /** A message leaves the server: what it promises must be on the disk. */
  sent(m: Message): void {
    const disk = this.#disks.get(m.from)!;
    if (m.type === 'RequestVote' && !m.preVote) this.#vote(m.from, m.term, m.from);
    if (m.type === 'RequestVoteResponse' && !m.preVote && m.voteGranted) this.#vote(m.from, m.term, m.to);
    if (m.type === 'AppendEntriesResponse' && m.success) {
      if (disk.hardState.term < m.term)
        fail('durability', `${m.from} answers in term ${m.term}, stored: ${disk.hardState.term}`);
      if (disk.entries.length < m.matchIndex) {
        // Replaced since by a later leader: then this old acknowledgement is of an old term and cannot count.
        if (disk.hardState.term === m.term)
          fail('durability', `${m.from} acknowledges ${m.matchIndex}, stored: ${disk.entries.length}`);
      }
    }
  }

  applied(id: NodeId, entry: Entry): void {
    const prefix = this.#logs.get(id)![entry.index - 1]!;
    const first = (this.#applied[entry.index - 1] ??= prefix);
    if (first !== prefix) fail('State Machine Safety', `${id} applied another entry at ${entry.index}`);
    if (this.#disks.get(id)!.entries[entry.index - 1]?.term !== entry.term) {
      fail('durability', `${id} applied ${entry.index}, which is not on its disk`);
    }
  }

  /** A read that was asked for when `commitThen` was the highest commit anywhere must see that (linearizability). */
  read(id: NodeId, read: ReadState, commitThen: number): void {
    if (read.index < commitThen)
      fail('linearizable reads', `${id} reads at ${read.index}, but ${commitThen} was committed before`);
  }

  #put(id: NodeId, entry: Entry): void {
    const log = this.#logs.get(id)!;
    if (entry.index !== log.length + 1) fail('log', `${id} put ${entry.index} behind ${log.length}`);
    const prefix = `${entry.term}.${entry.data.join('')}${hash(log.at(-1) ?? '')}`;
    const key = `${entry.index}/${entry.term}`;
    const known = this.#prefix.get(key);
    if (known === undefined) this.#prefix.set(key, prefix);
    else if (known !== prefix && !this.#alone) fail('Log Matching', `${id} has another log up to (${key})`);
    log.push(prefix);
  }

  #elected(id: NodeId, term: number): void {
    const other = this.#leaderOf.get(term);
    if (other !== undefined && !this.#alone)
      fail('Election Safety', `${other} and ${id} both lead term ${term}`);
    this.#leaderOf.set(term, id);
    const log = this.#logs.get(id)!;
    for (let at = this.#committed.length - 1; at >= 0; at--) {
      const { prefix, inTerm } = this.#committed[at]!;
      if (inTerm >= term) continue;
      if (log[at] !== prefix)
        fail('Leader Completeness', `${id} leads term ${term} without committed entry ${at + 1}`);
      return;
    }
  }

  #removed(id: NodeId, from: number): void {
    if (this.#roles.get(id)?.leads) fail('Leader Append-Only', `${id} removed entries from ${from} on`);
    const log = this.#logs.get(id)!;
    for (let at = from; at <= Math.min(log.length, this.#committed.length); at++) {
      if (log[at - 1] === this.#committed[at - 1]!.prefix)
        fail('State Machine Safety', `${id} removed committed entry ${at}`);
    }
    log.length = from - 1;
  }

  #commit(id: NodeId, index: number): void {
    const inTerm = this.#roles.get(id)!.term;
    const log = this.#logs.get(id)!;
    if (index > log.length) fail('commit', `${id} commits ${index}, its log ends at ${log.length}`);
    const known = Math.min(index, this.#committed.length);
    if (known > 0 && this.#committed[known - 1]!.prefix !== log[known - 1]) {
      fail('State Machine Safety', `${id} commits another entry at ${known}`);
    }
    if (index <= this.#committed.length) return;
    const last = log[index - 1]!;
    const entryTerm = Number(last.slice(0, last.indexOf('.')));
    let durable = 0;
    for (const disk of this.#disks.values()) if (disk.entries[index - 1]?.term === entryTerm) durable++;
    if (durable * 2 <= this.#disks.size)
      fail('durability', `${id} commits ${index}, durable on ${durable} of ${this.#disks.size}`);
    for (let at = this.#committed.length; at < index; at++)
      this.#committed.push({ prefix: log[at]!, inTerm });
  }

  #vote(voter: NodeId, term: number, candidate: NodeId): void {
    const { hardState } = this.#disks.get(voter)!;
    const stored = hardState.term > term || (hardState.term === term && hardState.votedFor === candidate);
    if (!stored)
      fail('durability', `${voter} gives its vote of term ${term} to ${candidate} before it is stored`);
    const key = `${voter}/${term}`;
    const other = this.#voteSent.get(key);
    if (other !== undefined && other !== candidate)
      fail('one vote per term', `${voter}, term ${term}: ${other}, ${candidate}`);
    this.#voteSent.set(key, candidate);
  }
}

class SafetyViolation extends Error {
  override readonly name = 'SafetyViolation';
}

function fail(property: string, detail: string): never {
  throw new SafetyViolation(`${property}: ${detail}`);
}

/** FNV-1a over the text: chains a prefix into a short string. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return `#${value >>> 0}`;
}
