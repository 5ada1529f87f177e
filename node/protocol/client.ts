/**
 * Requests of clients to a node, and its responses. One request gets one response with the same `requestId`; responses
 * may come in any order. `client-codec.ts` defines the bytes. The table of errors below is the contract (as in
 * Maelstrom, every error says whether it is definite).
 */

/** Maximum sizes of keys and values in bytes, as UTF-8 on the wire. */
export const MAX_KEY_BYTES = 1_024;
export const MAX_VALUE_BYTES = 1 << 20;
/** Maximum size of a node's id in bytes. */
export const MAX_ID_BYTES = 63;

/**
 * Opens a session (dissertation 6.3). Answered with `session`. It may be retried, because an unused session only uses
 * some memory.
 */
export interface OpenSession {
  readonly type: 'open-session';
}
/** A linearizable read, by ReadIndex. Answered with `value`. */
export interface Read {
  readonly type: 'read';
  readonly key: string;
}
/**
 * Part of every write. Retries with the same (session, seq) are applied once. `seq` rises by one per write of a
 * session.
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
 * Leaves `tombstone`, which a read of the deleted key returns, so that a delete can be observed. Answered with `done`.
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
 * Asks the leader to transfer the leadership to `target` (null: to the voter with the longest log), dissertation 3.10.
 * Answered with `done` when the target leads.
 */
export interface TransferLeadership {
  readonly type: 'transfer-leadership';
  readonly target: string | null;
}

/**
 * Asks any node for its state and, if it leads, for its knowledge of the others, which may be out of date. Answered at
 * once with `status`.
 */
export interface Status {
  readonly type: 'status';
}

/**
 * Asks the leader to make all `changes` of the members at once, by joint consensus (dissertation 4.3). Answered with
 * `done` when C_new is committed.
 */
export interface ChangeMembers {
  readonly type: 'change-members';
  readonly changes: readonly MembersChange[];
}
/**
 * A node joins as a learner, which listens for peers at `address`, and is promoted to a voter after it has caught up.
 * To replace one node by another, promote one and remove the other in one request.
 */
export type MembersChange =
  | { readonly type: 'add-learner'; readonly id: string; readonly address: string }
  | { readonly type: 'promote' | 'demote' | 'remove'; readonly id: string };

/** Asks any node for a snapshot of its applied state. Answered with `snapshot` when this is on the node's disk. */
export interface TakeSnapshot {
  readonly type: 'take-snapshot';
}

/** Requests to a node, in contrast to requests to the store. */
export type AdminOperation = TransferLeadership | Status | ChangeMembers | TakeSnapshot;

export type ClientCommand = OpenSession | Write | Cas | Delete | Append;
export type ClientOperation = ClientCommand | Read | AdminOperation;
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
  /** `status` is a `NodeStatus` as JSON. */
  | { readonly type: 'status'; readonly status: string }
  | ({ readonly type: 'snapshot' } & SnapshotTaken)
  | {
      readonly type: 'error';
      readonly code: ErrorCode;
      readonly message: string;
      readonly leader?: string;
      readonly found?: StoredValue;
    };

/** A snapshot that was taken. Snapshots of different nodes at the same index have the same digests. */
export interface SnapshotTaken {
  readonly index: number;
  readonly term: number;
  /** Size of the file in bytes. */
  readonly bytes: number;
  /** Digest of the log up to `index`; 0 on a node without reports. */
  readonly logDigest: number;
  readonly stateDigest: number;
}

/** The content of a `status` result. Indexes and terms are those of the Raft paper. */
export interface NodeStatus {
  readonly id: string;
  readonly role: string;
  readonly term: number;
  readonly leader: string | null;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  /** Index of the first entry that is still in the log in memory. */
  readonly firstIndex: number;
  /** The members in the configuration of the entry at `index`. `committed`: this entry cannot be undone. */
  readonly members: {
    readonly index: number;
    readonly committed: boolean;
    readonly voters: readonly string[];
    /** The voters of C_old while a change is under way; else empty. */
    readonly outgoing: readonly string[];
    readonly learners: readonly string[];
    readonly addresses: Readonly<Record<string, string>>;
  };
  /** On a leader: the replication progress of each follower. */
  readonly followers: readonly {
    readonly id: string;
    readonly mode: 'probe' | 'replicate' | 'snapshot';
    readonly matchIndex: number;
    /** Time since its last answer, in ms. */
    readonly silentMs: number;
  }[];
}

export type ClientResponse = ClientResult & { readonly requestId: number };

/**
 * Errors. `definite`: the operation had no effect and will have none. If not definite, it may have or get an effect.
 */
export const ERRORS = {
  'not-leader': {
    wire: 1,
    definite: true,
    retry: true,
    meaning: 'this node does not lead; `leader` is the id of the leader, if known',
  },
  'cas-mismatch': {
    wire: 2,
    definite: true,
    retry: false,
    meaning: 'the value was not `from`; `found` is the value',
  },
  busy: { wire: 3, definite: true, retry: true, meaning: 'too much is uncommitted; nothing was proposed' },
  'session-expired': {
    wire: 4,
    definite: true,
    retry: false,
    meaning: 'the session does not exist; nothing was applied',
  },
  'bad-request': {
    wire: 5,
    definite: true,
    retry: false,
    meaning: 'the request is malformed, or above a size limit',
  },
  'read-unconfirmed': {
    wire: 6,
    definite: true,
    retry: true,
    meaning: 'the leadership was lost before the read was confirmed; nothing was read',
  },
  'leadership-lost': {
    wire: 7,
    definite: false,
    retry: true,
    meaning: 'the leadership was lost after the command was proposed; it may still be committed',
  },
  'stale-seq': {
    wire: 8,
    definite: false,
    retry: false,
    meaning: 'a later write of this session was applied already; it is unknown whether this one was applied',
  },
  stopping: {
    wire: 9,
    definite: false,
    retry: true,
    meaning: 'the node stops; proposed commands may still be committed',
  },
  'storage-failed': {
    wire: 10,
    definite: false,
    retry: true,
    meaning: 'the disk refused a write; the node stops serving',
  },
  'transfer-failed': {
    wire: 11,
    definite: false,
    retry: true,
    meaning: 'the target did not become leader in time; it may still do so',
  },
  'change-refused': {
    wire: 12,
    definite: true,
    retry: false,
    meaning: 'this change of the members is not possible now; the message says why',
  },
  'change-under-way': {
    wire: 13,
    definite: true,
    retry: true,
    meaning: 'another change of the members is under way; only one is possible at a time',
  },
} as const satisfies Record<string, { wire: number; definite: boolean; retry: boolean; meaning: string }>;

export type ErrorCode = keyof typeof ERRORS;
