import type { Message } from './message.ts';
import type { CoreStatus, Persisted, ProposeResult, RaftConfig, ReadResult, Ready } from './ready.ts';
import type { Entry, HardState, LogIndex } from './types.ts';

/** What a node starts from: what its storage gave back. */
export interface InitialState {
  readonly hardState: HardState;
  /** The whole log from index 1, without gaps, all durable. */
  readonly entries: readonly Entry[];
  /** Time of the driver's monotonic clock, ms. */
  readonly nowMs: number;
}

/**
 * One Raft server as a function of its inputs. No I/O, no clock, no async: every input that depends on time carries
 * `nowMs` of one monotonic clock, and all output is collected until `takeReady`.
 */
export class Raft {
  /** Starts as a follower that knows of no leader. Throws on a malformed config or log. */
  constructor(config: RaftConfig, initial: InitialState) {
    void [config, initial];
  }

  /** A message from a peer. Messages that are stale, or not addressed to this node, change nothing. */
  step(message: Message, nowMs: number): void {
    throw new Error(`not yet: ${message.type} at ${nowMs}`);
  }

  /** Lets time pass: elections, heartbeats, CheckQuorum. Call it every heartbeatMs / 5 or so, or at `nextDeadlineMs()`. */
  tick(nowMs: number): void {
    throw new Error(`not yet: tick at ${nowMs}`);
  }

  /** Appends a command if this node leads. The bytes are kept, not copied. */
  propose(data: Uint8Array, nowMs: number): ProposeResult {
    throw new Error(`not yet: propose ${data.length} at ${nowMs}`);
  }

  /** Asks for a linearizable read; it comes back in `Ready.reads` or `Ready.failedReads` under this number. */
  readIndex(requestId: number, nowMs: number): ReadResult {
    throw new Error(`not yet: read ${requestId} at ${nowMs}`);
  }

  /** The entries of a Ready (its last entry is named) and of all Readys before it are durable. Once per Ready with entries, in order. */
  persisted(p: Persisted): void {
    throw new Error(`not yet: persisted ${p.index}`);
  }

  /** The state machine has applied everything up to `index`. */
  appliedTo(index: LogIndex): void {
    throw new Error(`not yet: applied ${index}`);
  }

  /** Whether `takeReady` would hand out anything. */
  hasReady(): boolean {
    throw new Error('not yet');
  }

  /** Hands out everything since the last call, each thing once. See `Ready` for what to do in which order. */
  takeReady(): Ready {
    throw new Error('not yet');
  }

  status(): CoreStatus {
    throw new Error('not yet');
  }

  /** The next time at which `tick` has something to do, ms. */
  nextDeadlineMs(): number {
    throw new Error('not yet');
  }
}
