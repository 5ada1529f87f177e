/** The nouns of the Raft paper (Ongaro & Ousterhout, extended version), figure 2. */

/** A Raft server's id, such as `n1`. Unique in the cluster, stable over restarts. */
export type NodeId = string & { readonly __brand: 'NodeId' };
/** A Raft term, §5.1. Starts at 0, never falls. */
export type Term = number & { readonly __brand: 'Term' };
/** A position in the log, §5.3. The first entry has index 1; 0 is "before the log". */
export type LogIndex = number & { readonly __brand: 'LogIndex' };

export const nodeId = (name: string): NodeId => name as NodeId;
export const term = (value: number): Term => value as Term;
export const logIndex = (value: number): LogIndex => value as LogIndex;

/**
 * `noop`: a new leader appends it at the start of its term (§8). `command`: for the state machine. `config`: a
 * Configuration (§6). The first entry of the first leader holds the founders.
 */
export type EntryKind = 'noop' | 'command' | 'config';

export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  /** Raft reads only the data of a `config` entry (configuration.ts). Empty for a noop. */
  readonly data: Uint8Array;
}

/** State that must be durable before any message that depends on it is sent (figure 2, "persistent state"). */
export interface HardState {
  readonly term: Term;
  readonly votedFor: NodeId | null;
}

export type RoleName = 'follower' | 'pre-candidate' | 'candidate' | 'leader';
