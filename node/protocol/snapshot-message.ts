import type { SnapshotMeta } from '../raft/configuration.ts';
import type { InstallSnapshot, Message } from '../raft/message.ts';
import type { LogIndex } from '../raft/types.ts';

/*
 * How a snapshot's bytes get to a follower (§7). The core only says that they must (`InstallSnapshot`); the drivers see
 * to it with these, and none of them changes anything in a core. The receiver says where to go on, so a transfer that
 * broke off is resumed where it was.
 */

type Envelope = Pick<Message, 'from' | 'incarnation' | 'to' | 'term'>;

/** The leader offers this to the receiver, which answers with the offset to start from. */
export interface SnapshotOffer extends Envelope {
  readonly type: 'SnapshotOffer';
  readonly snapshot: SnapshotMeta;
  /** Size of the whole file in bytes, and its CRC-32, which identify it. */
  readonly bytes: number;
  readonly checksum: number;
}

/** The snapshot's bytes from `offset` on. */
export interface SnapshotChunk extends Envelope {
  readonly type: 'SnapshotChunk';
  /** That of the snapshot. */
  readonly index: LogIndex;
  readonly offset: number;
  readonly data: Uint8Array;
}

/** The receiver has the bytes up to `offset`; all of them: the snapshot is there, checked and durable. */
export interface SnapshotWanted extends Envelope {
  readonly type: 'SnapshotWanted';
  readonly index: LogIndex;
  readonly offset: number;
  /** The bytes after `offset` did not arrive: continue there. */
  readonly again: boolean;
}

export type SnapshotMessage = SnapshotOffer | SnapshotChunk | SnapshotWanted;

/** Messages on the connection between two nodes. */
export type PeerMessage = Exclude<Message, InstallSnapshot> | SnapshotMessage;

export function isSnapshotMessage(message: PeerMessage): message is SnapshotMessage {
  const { type } = message;
  return type === 'SnapshotOffer' || type === 'SnapshotChunk' || type === 'SnapshotWanted';
}
