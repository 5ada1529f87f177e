import { crc32 } from 'node:zlib';
import { KIND_CODE } from '../protocol/entry-codec.ts';
import type { LogReport, ReadyLine, SnapshotPoint, StatusReport, TraceReport } from '../protocol/report.ts';
import { broken } from '../raft/invariant.ts';
import type { CoreEvent, CoreStatus } from '../raft/ready.ts';
import type { Entry, LogIndex } from '../raft/types.ts';
import type { Recovered, StoredSnapshot } from './ports.ts';

export type ReportLine = ReadyLine | StatusReport | TraceReport | LogReport;

/** Port: where reports go. `NodeReport`'s envelope (n, at, node) is added there. */
export interface Reports {
  /** `status` lines may be dropped when the reader does not keep up, the others never. */
  report(line: ReportLine): void;
  /** The turn's lines leave in one write. */
  flush(): void;
}

/** Steps that a replica reports. */
export type Observer = Pick<
  Trace,
  'events' | 'applied' | 'status' | 'digestAt' | 'installing' | 'taken' | 'compacted'
>;

/** For a node without reports: no digests, no lines. */
export const NO_OBSERVER: Observer = {
  events: () => undefined,
  applied: () => undefined,
  status: () => undefined,
  digestAt: () => 0,
  installing: () => undefined,
  taken: () => undefined,
  compacted: () => undefined,
};

const STATUS_AT_MOST_EVERY_MS = 100;
const STATUS_AT_LEAST_EVERY_MS = 500;

const residentBytes = (): number => process.memoryUsage.rss();

/**
 * Turns the core's events into trace lines, with the chain of log digests. Events come here only once the
 * Ready that they belong to is durable: a vote or an entry that a crash undoes was never seen.
 */
export class Trace {
  readonly #reports: Reports;
  readonly #rssBytes: () => number;
  /** digests[i] is the log digest at index #base + i; at index 0 it is 0. */
  #digests: number[] = [0];
  #base = 0;
  /** The last index that was reported as applied, or the initial one. Reports wait for the disk, so it may be late. */
  #reportedApplied = 0;
  /** Installed, in order, though their events wait for the disk. */
  readonly #installing: StoredSnapshot[] = [];
  #lastStatus: StatusReport | null = null;
  #lastStatusAtMs = -Infinity;

  /** `rssBytes`: resident memory of the node. */
  constructor(
    reports: Reports,
    recovered: Recovered,
    { snapshot, rssBytes = residentBytes }: { snapshot: StoredSnapshot | null; rssBytes?: () => number },
  ) {
    this.#reports = reports;
    this.#rssBytes = rssBytes;
    if (snapshot !== null) this.#begin(snapshot);
    for (const entry of recovered.entries) this.#extend(entry);
    reports.report({
      type: 'Recover',
      term: recovered.hardState.term,
      votedFor: recovered.hardState.votedFor,
      snapshot: snapshot && pointOf(snapshot),
      first: (this.#base + 1) as LogIndex,
      terms: recovered.entries.map((entry) => entry.term),
      digests: this.#digests.slice(1),
    });
  }

  events(events: readonly CoreEvent[]): void {
    for (const event of events) {
      if (event.type === 'Replicate') this.#replicate(event.entries, event.truncatedFrom !== null);
      else if (event.type === 'InstallSnapshot') this.#installed();
      else if (event.type === 'ChangeConf' || event.type === 'ApplyConfChange') this.#configured(event);
      else this.#reports.report(event);
    }
  }

  applied(index: LogIndex): void {
    this.#reportedApplied = index;
    this.#reports.report({ type: 'Apply', index, digest: this.digestAt(index) });
  }

  /** The log digest at an index that was applied, and is not compacted. */
  digestAt(index: LogIndex): number {
    const installing = this.#installing.at(-1);
    if (installing?.index === index) return installing.logDigest;
    return this.#digests[index - this.#base] ?? broken(`no digest at ${index}, they begin at ${this.#base}`);
  }

  /** `snapshot` is served; its event follows when its step is durable. */
  installing(snapshot: StoredSnapshot): void {
    this.#installing.push(snapshot);
  }

  taken(snapshot: StoredSnapshot): void {
    this.#reports.report({ type: 'TakeSnapshot', ...pointOf(snapshot) });
  }

  /** Digests before `index` are not needed any more, except for applied entries that wait to be reported. */
  compacted(index: LogIndex): void {
    const base = Math.min(index, this.#reportedApplied);
    if (base <= this.#base) return;
    this.#digests.splice(0, base - this.#base);
    this.#base = base;
  }

  /**
   * At once when role, term, vote or leader changed; else at most every 100 ms, and only every 500 ms if
   * nothing did.
   */
  status(core: CoreStatus, applied: LogIndex, nowMs: number): void {
    const last = this.#lastStatus;
    const sinceMs = nowMs - this.#lastStatusAtMs;
    const urgent =
      last === null ||
      core.role !== last.role ||
      core.term !== last.term ||
      core.votedFor !== last.votedFor ||
      core.leader !== last.leader;
    if (!urgent) {
      if (sinceMs < STATUS_AT_MOST_EVERY_MS) return;
      const changed =
        core.commitIndex !== last.commit ||
        core.lastIndex !== last.lastIndex ||
        core.durableIndex !== last.durable ||
        applied !== last.applied;
      if (!changed && sinceMs < STATUS_AT_LEAST_EVERY_MS) return;
    }
    this.#lastStatusAtMs = nowMs;
    this.#lastStatus = {
      type: 'status',
      role: core.role,
      term: core.term,
      votedFor: core.votedFor,
      leader: core.leader,
      commit: core.commitIndex,
      applied,
      lastIndex: core.lastIndex,
      lastTerm: core.lastTerm,
      durable: core.durableIndex,
      appliedDigest: this.digestAt(applied),
      rssBytes: this.#rssBytes(),
    };
    this.#reports.report(this.#lastStatus);
  }

  #replicate(entries: readonly Entry[], truncated: boolean): void {
    const first = entries[0]!.index;
    this.#digests.length = first - this.#base;
    for (const entry of entries) this.#extend(entry);
    this.#reports.report({
      type: 'Replicate',
      first,
      terms: entries.map((entry) => entry.term),
      digests: this.#digests.slice(first - this.#base),
      truncated,
    });
  }

  #installed(): void {
    const snapshot = this.#installing.shift() ?? broken('a snapshot was installed without an announcement');
    this.#begin(snapshot);
    this.#reports.report({ type: 'InstallSnapshot', ...pointOf(snapshot) });
  }

  #configured({ type, index, configuration }: ConfigurationEvent): void {
    const { voters, outgoing, learners } = configuration;
    this.#reports.report({ type, index, voters, outgoing, learners });
  }

  #begin({ index, logDigest }: StoredSnapshot): void {
    this.#base = index;
    this.#reportedApplied = index;
    this.#digests = [logDigest];
  }

  #extend(entry: Entry): void {
    this.#digests.push(entryDigest(this.#digests.at(-1)!, entry));
  }
}

type ConfigurationEvent = Extract<CoreEvent, { type: 'ChangeConf' | 'ApplyConfChange' }>;

const pointOf = ({ index, term, logDigest: digest, stateDigest: state }: StoredSnapshot): SnapshotPoint => ({
  index,
  term,
  digest,
  state,
});

const TWO_32 = 0x1_0000_0000;
const head = Buffer.alloc(13);

/** The log digest after `entry`: CRC-32 over u32 digest before, u64 term, u8 kind, data. */
export function entryDigest(before: number, entry: Entry): number {
  head.writeUInt32BE(before, 0);
  head.writeUInt32BE(Math.floor(entry.term / TWO_32), 4);
  head.writeUInt32BE(entry.term % TWO_32, 8);
  head[12] = KIND_CODE[entry.kind];
  return crc32(entry.data, crc32(head));
}
