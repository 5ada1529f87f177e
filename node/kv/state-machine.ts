import type { Register } from './registers.ts';

/** Result of a command. It is the same on every node. */
export type Outcome =
  | { readonly type: 'session'; readonly session: number }
  | { readonly type: 'done' }
  | {
      readonly type: 'error';
      readonly code: 'cas-mismatch' | 'session-expired' | 'stale-seq' | 'bad-request';
      readonly message: string;
      readonly found?: Register;
    };

/**
 * Port: the state machine to which a replica applies committed commands. It is deterministic: equal logs give equal
 * states and outcomes.
 */
export interface StateMachine {
  /**
   * Applies the command at log position `index`. Throws `MalformedBytes` if `data` is not a command, which no leader
   * proposes.
   */
  apply(index: number, data: Uint8Array): Outcome;
  read(key: string): Register;
  /** Number of sessions, and the last time in the log, from which the leader decides about `expire-sessions`. */
  readonly sessions: { readonly size: number; readonly clockMs: number };
  /** Captures the present state, which can then be read while the state machine changes. Only one at a time. */
  capture(): StateCapture;
  /** Begins to restore a state from the blocks of another node. */
  restoring(): StateRestore;
}

export interface StateCapture {
  /** Equal states have equal blocks. */
  readonly blocks: Iterable<Uint8Array>;
  /** Must be called when the blocks are not needed any more. */
  release(): void;
}

export interface StateRestore {
  /** Adds the next block. Throws `MalformedBytes` if it is not valid. */
  push(block: Uint8Array): void;
  /** Replaces the present state. Call it after the last block. */
  finish(): void;
}
