import { crc32 } from 'node:zlib';
import { KIND_CODE } from '../protocol/entry-codec.ts';
import type { LogReport, ReadyLine, SnapshotPoint, StatusReport, TraceReport } from '../protocol/report.ts';
import { broken } from '../raft/invariant.ts';
import type { CoreEvent, CoreStatus } from '../raft/ready.ts';
import type { Entry, LogIndex } from '../raft/types.ts';
import type { Recovered, StoredSnapshot } from './ports.ts';

export type ReportLine = ReadyLine | StatusReport | TraceReport | LogReport;

/** Port: receives the reports, and adds the common fields of `NodeReport` (n, at, node). */
export interface Reports {
  /** Sends a line. Only `status` lines may be dropped if the reader is too slow. */
  report(line: ReportLine): void;
  /** Sends the lines of a turn with one write. */
  flush(): void;
}

/** Steps that a replica reports. */
export type Observer = Pick<
  Trace,
  'events' | 'applied' | 'status' | 'digestAt' | 'installing' | 'taken' | 'compacted'
>;

/** Observer for a node without reports: it makes no digests and no lines. */
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
 * Turns the core's events into trace lines, with the chain of log digests. Events are passed to it only after their
 * Ready is durable, so a vote or an entry that is lost in a crash is never reported.
 */
export class Trace {
  readonly #reports: Reports;
  readonly #rssBytes: () => number;
  /** digests[i] is the log digest at index #base + i; at index 0 it is 0. */
  #digests: number[] = [0];
  #base = 0;
  /** Last index that was reported as applied, or the initial one. It may be lower than the applied index. */
  #reportedApplied = 0;
  /** Snapshots that are installed, in order, but whose events still wait for the disk. */
  readonly #installing: StoredSnapshot[] = [];
  #lastStatus: StatusReport | null = null;
  #lastStatusAtMs = -Infinity;

  /** `rssBytes` returns the resident memory of the node. */
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

  /** Returns the log digest at an index that was applied and is not compacted. */
  digestAt(index: LogIndex): number {
    const installing = this.#installing.at(-1);
    if (installing?.index === index) return installing.logDigest;
    return (
      this.#digests[index - this.#base] ??
      broken(`there is no digest at ${index}: the first one is at ${this.#base}`)
    );
  }

  /** Call it when `snapshot` is installed. Its event is passed later, when its step is durable. */
  installing(snapshot: StoredSnapshot): void {
    this.#installing.push(snapshot);
  }

  taken(snapshot: StoredSnapshot): void {
    this.#reports.report({ type: 'TakeSnapshot', ...pointOf(snapshot) });
  }

  /** Removes the digests before `index`, except for applied entries that still have to be reported. */
  compacted(index: LogIndex): void {
    const base = Math.min(index, this.#reportedApplied);
    if (base <= this.#base) return;
    this.#digests.splice(0, base - this.#base);
    this.#base = base;
  }

  /**
   * Reports the status: at once if role, term, vote or leader has changed. Otherwise at most every 100 ms, and only
   * every 500 ms if nothing has changed.
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
    const snapshot =
      this.#installing.shift() ?? broken('a snapshot was installed without a call of `installing`');
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

/** Returns the log digest after `entry`: the CRC-32 over u32 digest before, u64 term, u8 kind, data. */
export function entryDigest(before: number, entry: Entry): number {
  head.writeUInt32BE(before, 0);
  head.writeUInt32BE(Math.floor(entry.term / TWO_32), 4);
  head.writeUInt32BE(entry.term % TWO_32, 8);
  head[12] = KIND_CODE[entry.kind];
  return crc32(entry.data, crc32(head));
}
