/**
 * What clients say to a node and hear back. One request gets one response with the same `requestId`;
 * responses may come in any order. The bytes are in `client-codec.ts`, the table of errors below is the
 * contract (Maelstrom's habit: every error says whether it is definite).
 */

/** Bytes of keys and values are UTF-8 on the wire; at most MAX_KEY_BYTES and MAX_VALUE_BYTES of them. */
export const MAX_KEY_BYTES = 1_024;
export const MAX_VALUE_BYTES = 1 << 20;
/** Of a node's id. */
export const MAX_ID_BYTES = 63;

/**
 * Opens a session (dissertation 6.3). Answered with `session`. Harmless to retry: an unused session only
 * takes room.
 */
export interface OpenSession {
  readonly type: 'open-session';
}
/** Linearizable, by ReadIndex. Answered with `value`. */
export interface Read {
  readonly type: 'read';
  readonly key: string;
}
/**
 * What every write carries: a retry with the same (session, seq) is applied once; seq rises by one per write
 * of a session.
 */
interface InSession {
  readonly session: number;
  readonly seq: number;
}
/** Answered with `done`. */
export interface Write extends InSession {
  readonly type: 'write';
  readonly key: string;
  readonly value: string;
}
/**
 * Sets `to` iff the key's value is `from` (null: the key was never written). Answered with `done`, or
 * `cas-mismatch` with the value found.
 */
export interface Cas extends InSession {
  readonly type: 'cas';
  readonly key: string;
  readonly from: string | null;
  readonly to: string;
}
/**
 * Leaves `tombstone` behind, which a read that finds nothing returns, so that a delete can be observed.
 * Answered with `done`.
 */
export interface Delete extends InSession {
  readonly type: 'delete';
  readonly key: string;
  readonly tombstone: string;
}
/** Appends `value` to the key's value (a missing key counts as empty). Answered with `done`. */
export interface Append extends InSession {
  readonly type: 'append';
  readonly key: string;
  readonly value: string;
}

/**
 * Asks the leader to hand over to `target` (null: to the voter whose log is furthest), dissertation 3.10. Answered with
 * `done` once the target leads.
 */
export interface TransferLeadership {
  readonly type: 'transfer-leadership';
  readonly target: string | null;
}

export type ClientCommand = OpenSession | Write | Cas | Delete | Append;
export type ClientOperation = ClientCommand | Read | TransferLeadership;
export type ClientRequest = ClientOperation & { readonly requestId: number };

/** A key's state. `present: false` with a value is a tombstone; with null the key was never written. */
export interface StoredValue {
  readonly present: boolean;
  readonly value: string | null;
}

export type ClientResult =
  | { readonly type: 'session'; readonly session: number }
  | ({ readonly type: 'value' } & StoredValue)
  | { readonly type: 'done' }
  | {
      readonly type: 'error';
      readonly code: ErrorCode;
      readonly message: string;
      readonly leader?: string;
      readonly found?: StoredValue;
    };

export type ClientResponse = ClientResult & { readonly requestId: number };

/** A definite error: the operation did not and will not take effect. Else it may have, or may yet. */
export const ERRORS = {
  'not-leader': {
    wire: 1,
    definite: true,
    retry: true,
    meaning: 'this node does not lead; `leader` names who does, if known',
  },
  'cas-mismatch': {
    wire: 2,
    definite: true,
    retry: false,
    meaning: 'the value was not `from`; `found` is what it was',
  },
  busy: { wire: 3, definite: true, retry: true, meaning: 'too much is uncommitted; nothing was proposed' },
  'session-expired': {
    wire: 4,
    definite: true,
    retry: false,
    meaning: 'no such session; nothing was applied',
  },
  'bad-request': { wire: 5, definite: true, retry: false, meaning: 'malformed, or over a size limit' },
  'read-unconfirmed': {
    wire: 6,
    definite: true,
    retry: true,
    meaning: 'leadership was lost before the read was confirmed; nothing was read',
  },
  'leadership-lost': {
    wire: 7,
    definite: false,
    retry: true,
    meaning: 'proposed, then leadership was lost; it may still be committed',
  },
  'stale-seq': {
    wire: 8,
    definite: false,
    retry: false,
    meaning: 'a later write of this session was applied already; whether this one was is not remembered',
  },
  stopping: {
    wire: 9,
    definite: false,
    retry: true,
    meaning: 'the node stops; what was proposed may still be committed',
  },
  'storage-failed': {
    wire: 10,
    definite: false,
    retry: true,
    meaning: 'the disk refused; the node stops serving',
  },
  'transfer-failed': {
    wire: 11,
    definite: false,
    retry: true,
    meaning: 'the target did not take over in time; it may still',
  },
} as const satisfies Record<string, { wire: number; definite: boolean; retry: boolean; meaning: string }>;

export type ErrorCode = keyof typeof ERRORS;
