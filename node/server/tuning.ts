import { SESSION_CAP } from '../kv/sessions.ts';
import { SNAPSHOT_POLICY } from '../replica/snapshotter.ts';
import type { SnapshotPolicy } from '../replica/snapshotter.ts';
import { OptionError, parseBytes, parseSwitch, parseWhole, sizeText } from './option-values.ts';

/** Limits and features that have good defaults. */
export interface Tuning {
  /** Maximum number of messages in flight to a follower, and maximum size of the entries of one, in bytes. */
  readonly maxInflightMessages: number;
  readonly maxMessageBytes: number;
  /** Maximum size of a leader's uncommitted entries in bytes. Above it clients get `busy`. */
  readonly maxUncommittedBytes: number;
  /** Maximum size of one write to the disk, in bytes. */
  readonly maxBatchBytes: number;
  /** True if a broken connection from the leader starts an election at once. */
  readonly fastFailover: boolean;
  /** Lease reads; null: off. `maxClockDrift`: fraction by which the rates of two nodes' clocks may differ. */
  readonly leaseReads: { readonly maxClockDrift: number } | null;
  /** Maximum number of client sessions while this node leads. All nodes get it through the log. */
  readonly sessionCap: number;
  readonly snapshots: SnapshotPolicy;
  /** Maximum idle time of a session in ms; 0: no limit. */
  readonly sessionIdleMs: number;
}

/** Maximum size of a follower's pipeline in bytes, so that it fits into a connection's waiting bytes (peer-link.ts). */
const MAX_PIPELINE_BYTES = 16 << 20;

export const TUNING_NAMES = [
  'max-inflight-messages',
  'max-message-bytes',
  'max-uncommitted-bytes',
  'max-batch-bytes',
  'fast-failover',
  'lease-reads',
  'max-clock-drift',
  'session-cap',
  'snapshot-entries',
  'snapshot-bytes',
  'keep-entries',
  'session-idle',
] as const;

export const TUNING_USAGE = `  [--max-inflight-messages 32]         maximum number of messages in flight to a follower
  [--max-message-bytes 256KiB]         maximum size of the entries in one message to a follower
  [--max-uncommitted-bytes 64MiB]      maximum size of uncommitted entries on a leader; then it answers busy
  [--max-batch-bytes 4MiB]             maximum size of the entries in one write to the disk
  [--fast-failover on]                 a broken connection from the leader starts an election; off with lease reads
  [--lease-reads off]                  reads without asking a majority each time; relies on the nodes' clocks
  [--max-clock-drift 10]               maximum difference in speed of two clocks in percent, for lease reads
  [--session-cap 10000]                maximum number of client sessions; the leader's value counts for all nodes
  [--snapshot-entries 25000]           number of applied entries after which the next snapshot is due
  [--snapshot-bytes 8MiB]              the same, as the size of these entries
  [--keep-entries 5000]                entries kept before the end of a snapshot, for followers that are a little late
  [--session-idle 86400]               seconds after which an unused client session expires; 0: never`;

/** Throws `OptionError`. */
export function parseTuning(given: { readonly [Name in (typeof TUNING_NAMES)[number]]?: string }): Tuning {
  const leaseReads = parseSwitch('--lease-reads', given['lease-reads'] ?? 'off');
  if (leaseReads && given['fast-failover'] === 'on') {
    throw new OptionError(
      '--fast-failover on and --lease-reads on exclude each other: a lease relies on the promise to wait before an election',
    );
  }
  if (!leaseReads && given['max-clock-drift'] !== undefined)
    throw new OptionError('--max-clock-drift needs --lease-reads on');
  const maxInflightMessages = parseWhole(
    '--max-inflight-messages',
    given['max-inflight-messages'] ?? '32',
    1,
    4_096,
  );
  const maxMessageBytes = parseBytes(
    '--max-message-bytes',
    given['max-message-bytes'] ?? '256KiB',
    1 << 10,
    4 << 20,
  );
  if (maxInflightMessages * maxMessageBytes > MAX_PIPELINE_BYTES) {
    throw new OptionError(
      `--max-inflight-messages ${maxInflightMessages} of --max-message-bytes ${sizeText(maxMessageBytes)} is more than ${sizeText(MAX_PIPELINE_BYTES)}, the maximum that may wait for a peer: choose smaller values`,
    );
  }
  return {
    maxInflightMessages,
    maxMessageBytes,
    maxUncommittedBytes: parseBytes(
      '--max-uncommitted-bytes',
      given['max-uncommitted-bytes'] ?? '64MiB',
      1 << 20,
      1 << 30,
    ),
    maxBatchBytes: parseBytes('--max-batch-bytes', given['max-batch-bytes'] ?? '4MiB', 4 << 10, 64 << 20),
    fastFailover: parseSwitch('--fast-failover', given['fast-failover'] ?? (leaseReads ? 'off' : 'on')),
    leaseReads: leaseReads
      ? { maxClockDrift: parseWhole('--max-clock-drift', given['max-clock-drift'] ?? '10', 1, 50) / 100 }
      : null,
    sessionCap: parseWhole('--session-cap', given['session-cap'] ?? String(SESSION_CAP), 1, 10_000_000),
    snapshots: {
      everyEntries: parseWhole(
        '--snapshot-entries',
        given['snapshot-entries'] ?? String(SNAPSHOT_POLICY.everyEntries),
        1,
        1e9,
      ),
      everyBytes: parseBytes(
        '--snapshot-bytes',
        given['snapshot-bytes'] ?? String(SNAPSHOT_POLICY.everyBytes),
        1 << 10,
        16 * 2 ** 30,
      ),
      keepEntries: parseWhole(
        '--keep-entries',
        given['keep-entries'] ?? String(SNAPSHOT_POLICY.keepEntries),
        0,
        1e9,
      ),
    },
    sessionIdleMs: 1_000 * parseWhole('--session-idle', given['session-idle'] ?? '86400', 0, 1e9),
  };
}
