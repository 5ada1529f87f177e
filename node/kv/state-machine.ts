import type { Register } from './registers.ts';

/** Result of a command; the same on every node. */
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
 * Port: the state machine that a replica applies committed commands to. Deterministic: equal logs give equal states and
 * outcomes.
 */
export interface StateMachine {
  /**
   * Applies the command at log position `index`. Throws `MalformedBytes` if `data` is no command: no leader
   * proposes such.
   */
  apply(index: number, data: Uint8Array): Outcome;
  read(key: string): Register;
  /** Figures for `expire-sessions`: the number of sessions, and the time of the log. */
  readonly sessions: { readonly size: number; readonly clockMs: number };
  /** The present state, to be read while it goes on changing. One at a time. */
  capture(): StateCapture;
  /** Begins to put a state together from the blocks of another node's. */
  restoring(): StateRestore;
}

export interface StateCapture {
  /** Equal states have equal blocks. */
  readonly blocks: Iterable<Uint8Array>;
  /** The blocks are not needed any more. */
  release(): void;
}

export interface StateRestore {
  /** The next block. Throws `MalformedBytes`. */
  push(block: Uint8Array): void;
  /** All blocks are there: this is the state now. */
  finish(): void;
}
