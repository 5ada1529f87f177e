import type { SnapshotMeta } from '../raft/configuration.ts';
import type { InstallSnapshot, Message } from '../raft/message.ts';
import type { LogIndex } from '../raft/types.ts';

/*
 * Messages that transfer a snapshot's bytes to a follower (§7). The core only asks for the transfer
 * (`InstallSnapshot`). The drivers exchange these messages, and the cores do not see them. The receiver names the
 * offset at which to continue, so an interrupted transfer is resumed where it was.
 */

type Envelope = Pick<Message, 'from' | 'incarnation' | 'to' | 'term'>;

/** The leader offers a snapshot. The receiver answers with the offset from which to start. */
export interface SnapshotOffer extends Envelope {
  readonly type: 'SnapshotOffer';
  readonly snapshot: SnapshotMeta;
  /** Size of the whole file in bytes, and its CRC-32. Both identify the file. */
  readonly bytes: number;
  readonly checksum: number;
}

/** The snapshot's bytes from `offset` on. */
export interface SnapshotChunk extends Envelope {
  readonly type: 'SnapshotChunk';
  /** Last index of the snapshot. */
  readonly index: LogIndex;
  readonly offset: number;
  readonly data: Uint8Array;
}

/** The receiver has the bytes up to `offset`. If this is the end, the snapshot is checked and durable. */
export interface SnapshotWanted extends Envelope {
  readonly type: 'SnapshotWanted';
  readonly index: LogIndex;
  readonly offset: number;
  /** True if the bytes after `offset` did not arrive, so that the sender must continue there. */
  readonly again: boolean;
}

export type SnapshotMessage = SnapshotOffer | SnapshotChunk | SnapshotWanted;

/** Messages on the connection between two nodes. */
export type PeerMessage = Exclude<Message, InstallSnapshot> | SnapshotMessage;

export function isSnapshotMessage(message: PeerMessage): message is SnapshotMessage {
  const { type } = message;
  return type === 'SnapshotOffer' || type === 'SnapshotChunk' || type === 'SnapshotWanted';
}
