import { crc32 } from 'node:zlib';
import { KIND_CODE } from '../protocol/entry-codec.ts';
import type { LogReport, ReadyLine, StatusReport, TraceReport } from '../protocol/report.ts';
import type { CoreEvent, CoreStatus } from '../raft/ready.ts';
import type { Entry, LogIndex } from '../raft/types.ts';
import type { Recovered } from './ports.ts';

export type ReportLine = ReadyLine | StatusReport | TraceReport | LogReport;

/** Port: where reports go. `NodeReport`'s envelope (n, at, node) is added there. */
export interface Reports {
  /** `status` lines may be dropped when the reader does not keep up, the others never. */
  report(line: ReportLine): void;
  /** The turn's lines leave in one write. */
  flush(): void;
}

/** What a replica tells of its steps. */
export type Observer = Pick<Trace, 'events' | 'applied' | 'status'>;

/** Of a node that nobody watches: no digests, no lines. */
export const NO_OBSERVER: Observer = {
  events: () => undefined,
  applied: () => undefined,
  status: () => undefined,
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
  /** digests[i] is the log digest at index i; digests[0] = 0. */
  readonly #digests: number[] = [0];
  #lastStatus: StatusReport | null = null;
  #lastStatusAtMs = -Infinity;

  /** `rssBytes`: resident memory of the node. */
  constructor(reports: Reports, recovered: Recovered, rssBytes: () => number = residentBytes) {
    this.#reports = reports;
    this.#rssBytes = rssBytes;
    for (const entry of recovered.entries) this.#extend(entry);
    reports.report({
      type: 'Recover',
      term: recovered.hardState.term,
      votedFor: recovered.hardState.votedFor,
      first: 1 as LogIndex,
      terms: recovered.entries.map((entry) => entry.term),
      digests: this.#digests.slice(1),
    });
  }

  events(events: readonly CoreEvent[]): void {
    for (const event of events) {
      if (event.type === 'Replicate') this.#replicate(event.entries, event.truncatedFrom !== null);
      else if (isReported(event)) this.#reports.report(event);
    }
  }

  applied(index: LogIndex): void {
    this.#reports.report({ type: 'Apply', index, digest: this.#digests[index]! });
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
      appliedDigest: this.#digests[applied]!,
      rssBytes: this.#rssBytes(),
    };
    this.#reports.report(this.#lastStatus);
  }

  #replicate(entries: readonly Entry[], truncated: boolean): void {
    const first = entries[0]!.index;
    this.#digests.length = first;
    for (const entry of entries) this.#extend(entry);
    this.#reports.report({
      type: 'Replicate',
      first,
      terms: entries.map((entry) => entry.term),
      digests: this.#digests.slice(first),
      truncated,
    });
  }

  #extend(entry: Entry): void {
    this.#digests.push(entryDigest(this.#digests.at(-1)!, entry));
  }
}

/** The harness does not know of changing members and snapshots yet. */
function isReported(event: CoreEvent): event is Extract<CoreEvent, TraceReport> {
  return event.type !== 'ChangeConf' && event.type !== 'ApplyConfChange' && event.type !== 'InstallSnapshot';
}

const TWO_32 = 0x1_0000_0000;
const head = Buffer.alloc(13);

/** The log digest behind `entry`: CRC-32 over u32 digest before, u64 term, u8 kind, data. */
export function entryDigest(before: number, entry: Entry): number {
  head.writeUInt32BE(before, 0);
  head.writeUInt32BE(Math.floor(entry.term / TWO_32), 4);
  head.writeUInt32BE(entry.term % TWO_32, 8);
  head[12] = KIND_CODE[entry.kind];
  return crc32(entry.data, crc32(head));
}
