import type { PeerMessage } from '../protocol/snapshot-message.ts';
import type { SnapshotMeta } from '../raft/configuration.ts';
import type { Entry, HardState, LogIndex, NodeId } from '../raft/types.ts';
import type { Log } from './log.ts';

/** Identity of a data folder; it never changes. */
export interface Identity {
  readonly node: NodeId;
  /** Nodes of different clusters do not talk to each other. */
  readonly cluster: string;
  /** The voters of the configuration before the first one in the log; empty for a node that joins. */
  readonly founders: readonly NodeId[];
  /** See `InitialState.incarnation`. */
  readonly incarnation: number;
}

/** Header of a snapshot file, before the state. */
export interface SnapshotHeader extends SnapshotMeta {
  /** The log digest at `index` (see `protocol/report.ts`), where the chain continues. */
  readonly logDigest: number;
}

/** A snapshot that is complete, checked and durable. */
export interface StoredSnapshot extends SnapshotHeader {
  /** Of the whole file, which is the same on every node that makes it at `index`. */
  readonly bytes: number;
  readonly checksum: number;
  /** CRC-32 of the state alone. */
  readonly stateDigest: number;
}

/** The data that a node starts from. */
export interface Recovered {
  readonly identity: Identity;
  readonly hardState: HardState;
  /** Where the log begins; its state comes from `Snapshots.load`. Null: the log begins at index 1. */
  readonly snapshot: SnapshotHeader | null;
  /** The log after the snapshot, without gaps. */
  readonly entries: readonly Entry[];
  /** Bytes of a write that a crash interrupted, cut off; nothing in it was acknowledged. */
  readonly tornBytes: number;
}

/**
 * One step of the log: a new hard state (null: unchanged), then a snapshot that replaces the whole log (null: none; its
 * file must be durable before), then entries, which replace the existing ones from their first index on.
 */
export interface LogWrite {
  readonly hardState: HardState | null;
  readonly snapshot: Pick<SnapshotMeta, 'index' | 'term'> | null;
  readonly entries: readonly Entry[];
}

/** Options of a storage. */
export interface StorageOptions {
  readonly folder: string;
  /** Identity that an empty folder gets. */
  readonly identity: Identity;
}

/** Port: where term, vote and log are durable. Calls of `recover`, `write` and `close` do not overlap. */
export interface Storage {
  readonly snapshots: Snapshots;
  /**
   * Once, before anything else. Rejects with `StorageError` for damage that is not a torn tail, or a folder
   * that another node uses.
   */
  recover(): Promise<Recovered>;
  /**
   * Makes the steps durable together, in their order: one write, one sync. Rejects with `StorageError`, from
   * then on always; nothing of the batch may be acknowledged.
   */
  write(batch: readonly LogWrite[]): Promise<void>;
  /**
   * Later writes are separate from earlier ones: when a snapshot covers all earlier ones, they may be removed as a
   * whole. Never waited for.
   */
  roll(): void;
  /**
   * The entries up to `index` are in a durable snapshot: files that hold nothing else may be removed. Never waited for.
   */
  compact(index: LogIndex): void;
  /** Releases the resources of `recover`. Idempotent. */
  close(): Promise<void>;
}

/**
 * Port: snapshot files. Each is written under another name, and counts when it is whole and durable; then older ones
 * are removed. All methods reject with `StorageError` when the disk refuses.
 */
export interface Snapshots {
  /**
   * Reads the one that `recover` found, and hands its state to `restore`, block by block. Rejects with `StorageError`,
   * with file and offset, for damage.
   */
  load(restore: (block: Uint8Array) => void): Promise<StoredSnapshot>;
  /** Streams a state to a file; `state` is drawn from no faster than the disk takes it. */
  save(header: SnapshotHeader, state: Iterable<Uint8Array>): Promise<StoredSnapshot>;
  /** The newest one's bytes, to be sent; they stay readable when a newer one takes its place. Null: there is none. */
  open(): Promise<SnapshotSource | null>;
  /** Puts one together that comes from elsewhere. One at a time. */
  receive(): Promise<SnapshotSink>;
}

export interface SnapshotSource {
  readonly snapshot: StoredSnapshot;
  /** `length` bytes from `offset` on; fewer only at the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface SnapshotSink {
  /**
   * The file's next bytes. Resolves with the blocks of the state that they complete. Rejects with `SnapshotDamage` for
   * bytes that are no snapshot's.
   */
  write(bytes: Uint8Array): Promise<readonly Uint8Array[]>;
  /** All bytes are there: makes them durable, and the newest snapshot. Rejects with `SnapshotDamage` if some lack. */
  finish(): Promise<StoredSnapshot>;
  /** Discards the received bytes. Idempotent; does nothing after `finish`. */
  abort(): Promise<void>;
}

/** Bytes that are no snapshot, or not the whole of it. The message names the offset. */
export class SnapshotDamage extends Error {
  override readonly name = 'SnapshotDamage';
}

/** The disk refused, or its content is damaged. The message names folder, file and offset, and the remedy. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}

/** Port: messages to the peers. Anything may be lost, late, doubled or overtaken: Raft is made for that. */
export interface Transport {
  /** Never waits and never throws; drops the message when its peer cannot be reached or does not keep up. */
  send(message: PeerMessage): void;
  /** The turn's messages leave: one write per connection. */
  flush(): void;
  /**
   * The members from now on, without this node, and their addresses as far as they are known. Messages of other nodes
   * are still received and answered, because this node may not know the latest configuration.
   */
  members(addresses: ReadonlyMap<NodeId, string | null>): void;
  close(): Promise<void>;
}

/** The part of a node that a transport needs. */
export interface TransportOptions {
  readonly id: NodeId;
  /** Those of the data folder: the peers are told with the hello. */
  readonly cluster: string;
  readonly incarnation: number;
  /** See `Hello.promiseMs`. */
  readonly promiseMs: number;
  /** Address to dial a node at, `host:port`, in place of its configuration or its hello: its link. */
  readonly routes: ReadonlyMap<NodeId, string>;
  /** Address for nodes that know no other way to dial this node. Null: where it listens. */
  readonly advertise: string | null;
  readonly listenHost: string;
  readonly listenPort: number;
  readonly receive: (message: PeerMessage) => void;
  /** A new connection, over which entries are sent to `peer`, was made: messages on the earlier one may be lost. */
  readonly linkMade: (peer: NodeId) => void;
  /** The connection over which `peer` sent has broken: it ended, or its bytes cannot be trusted any more. */
  readonly peerLost: (peer: NodeId) => void;
  readonly log: Log;
}
