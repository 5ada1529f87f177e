import type { PeerMessage } from '../protocol/snapshot-message.ts';
import type { SnapshotMeta } from '../raft/configuration.ts';
import type { Entry, HardState, LogIndex, NodeId } from '../raft/types.ts';
import type { Log } from './log.ts';

/** Identity of a data folder; it never changes. */
export interface Identity {
  readonly node: NodeId;
  /** Name of the cluster. Nodes of different clusters do not exchange messages. */
  readonly cluster: string;
  /** The voters of the configuration before the first one in the log; empty for a node that joins. */
  readonly founders: readonly NodeId[];
  /** Incarnation of the folder (see `InitialState.incarnation`). */
  readonly incarnation: number;
}

/** Header of a snapshot file, before the state. */
export interface SnapshotHeader extends SnapshotMeta {
  /** The log digest at `index` (see `protocol/report.ts`), from which the next digests are computed. */
  readonly logDigest: number;
}

/** A snapshot that is complete, checked and durable. */
export interface StoredSnapshot extends SnapshotHeader {
  /** Size of the whole file in bytes. The file is the same on every node that makes it at `index`. */
  readonly bytes: number;
  readonly checksum: number;
  /** CRC-32 of the state alone. */
  readonly stateDigest: number;
}

/** Data from which a node starts. */
export interface Recovered {
  readonly identity: Identity;
  readonly hardState: HardState;
  /** Snapshot after which the log begins; `Snapshots.load` reads its state. Null: the log begins at index 1. */
  readonly snapshot: SnapshotHeader | null;
  /** The log after the snapshot, without gaps. */
  readonly entries: readonly Entry[];
  /** Number of removed bytes of a write that a crash interrupted. Nothing in it was acknowledged. */
  readonly tornBytes: number;
}

/**
 * One step of the log, in this order: a new hard state (null: unchanged); a snapshot that replaces the whole log (null:
 * none), whose file must be durable already; entries, which replace the existing ones from their first index on.
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

/** Port: makes term, vote and log durable. Calls of `recover`, `write` and `close` do not overlap. */
export interface Storage {
  readonly snapshots: Snapshots;
  /**
   * Reads the stored data. Called once, before all other methods. Rejects with `StorageError` for damage that is not a
   * torn tail, or a folder that another node uses.
   */
  recover(): Promise<Recovered>;
  /**
   * Makes the steps durable together, in their order, with one write and one sync. If it rejects with `StorageError`,
   * nothing of the batch may be acknowledged, and all later calls reject.
   */
  write(batch: readonly LogWrite[]): Promise<void>;
  /**
   * Stores later writes in another file than earlier ones, so that the earlier ones can be removed when a snapshot
   * covers them. The caller does not wait for it.
   */
  roll(): void;
  /**
   * Call it when the entries up to `index` are in a durable snapshot: files with no other entries may be removed. The
   * caller does not wait for it.
   */
  compact(index: LogIndex): void;
  /** Releases the resources of `recover`. It may be called several times. */
  close(): Promise<void>;
}

/**
 * Port: snapshot files. Each is written with a temporary name. When it is complete and durable, it gets its final name,
 * and older ones are removed. All methods reject with `StorageError` if the disk fails.
 */
export interface Snapshots {
  /**
   * Reads the snapshot that `recover` found, and passes its state to `restore`, block by block. Rejects with a
   * `StorageError` that names file and offset if the file is damaged.
   */
  load(restore: (block: Uint8Array) => void): Promise<StoredSnapshot>;
  /** Writes a state to a file. `state` is read only as fast as it can be written. */
  save(header: SnapshotHeader, state: Iterable<Uint8Array>): Promise<StoredSnapshot>;
  /**
   * Opens the newest snapshot for sending. It stays readable after a newer one has replaced it. Null: there is none.
   */
  open(): Promise<SnapshotSource | null>;
  /** Begins to receive a snapshot from another node. Only one at a time. */
  receive(): Promise<SnapshotSink>;
}

export interface SnapshotSource {
  readonly snapshot: StoredSnapshot;
  /** Reads `length` bytes from `offset` on, or fewer at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface SnapshotSink {
  /**
   * Adds the file's next bytes. Resolves with the blocks of the state that are complete with them. Rejects with
   * `SnapshotDamage` for bytes that are not those of a snapshot.
   */
  write(bytes: Uint8Array): Promise<readonly Uint8Array[]>;
  /** Makes the file durable, as the newest snapshot. Rejects with `SnapshotDamage` if bytes are missing. */
  finish(): Promise<StoredSnapshot>;
  /** Discards the received bytes. It may be called several times, and does nothing after `finish`. */
  abort(): Promise<void>;
}

/** The bytes are not a snapshot, or not a complete one. The message names the offset. */
export class SnapshotDamage extends Error {
  override readonly name = 'SnapshotDamage';
}

/** The disk failed, or its content is damaged. The message names folder, file and offset, and says what to do. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}

/** Port: sends messages to the peers. They may be lost, late, duplicated or reordered, because Raft tolerates this. */
export interface Transport {
  /**
   * Sends a message. It never waits or throws; if the peer cannot be reached or is too slow, the message is dropped.
   */
  send(message: PeerMessage): void;
  /** Sends the messages of a turn, with one write per connection. */
  flush(): void;
  /**
   * Sets the members (without this node) and their addresses (null: not known). Messages of other nodes are still
   * received and answered, because this node may not know the latest configuration.
   */
  members(addresses: ReadonlyMap<NodeId, string | null>): void;
  close(): Promise<void>;
}

/** The part of a node that a transport needs. */
export interface TransportOptions {
  readonly id: NodeId;
  /** Cluster and incarnation of the data folder. The hello contains them. */
  readonly cluster: string;
  readonly incarnation: number;
  /** Value of `Hello.promiseMs`. */
  readonly promiseMs: number;
  /** Address of each node's link, as `host:port`. It replaces the address in the configuration or in the hello. */
  readonly routes: ReadonlyMap<NodeId, string>;
  /** Address of this node for nodes that know no other address of it. Null: the address where it listens. */
  readonly advertise: string | null;
  readonly listenHost: string;
  readonly listenPort: number;
  readonly receive: (message: PeerMessage) => void;
  /** Called when a new connection for entries to `peer` was made. Messages on the earlier one may be lost. */
  readonly linkMade: (peer: NodeId) => void;
  /** Called when the connection over which `peer` sends has ended, or was closed because of invalid bytes. */
  readonly peerLost: (peer: NodeId) => void;
  readonly log: Log;
}
