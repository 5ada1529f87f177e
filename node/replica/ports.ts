import type { Message } from '../raft/message.ts';
import type { Entry, HardState, NodeId } from '../raft/types.ts';

/** What a node starts from. */
export interface Recovered {
  readonly hardState: HardState;
  /** The whole log from index 1, without gaps. */
  readonly entries: readonly Entry[];
  /** Bytes of a write that a crash interrupted, cut off; nothing in it was acknowledged. */
  readonly tornBytes: number;
}

/**
 * One step of the log: a new hard state (null: as before), then entries, which replace whatever stood from
 * their first index on.
 */
export interface LogWrite {
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
}

/** Port: where term, vote and log are durable. Calls do not overlap. */
export interface Storage {
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
  /** Frees what `recover` took. Idempotent. */
  close(): Promise<void>;
}

/**
 * The disk refused, or what it holds is damaged. The message names folder, file and offset, and what to do.
 */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}

/** Port: messages to the peers. Anything may be lost, late, doubled or overtaken: Raft is made for that. */
export interface Transport {
  /** Never waits and never throws; drops the message when its peer cannot be reached or does not keep up. */
  send(message: Message): void;
  /** The turn's messages leave: one write per connection. */
  flush(): void;
  close(): Promise<void>;
}

/** What a transport needs from its node. */
export interface TransportOptions {
  readonly id: NodeId;
  /** `InitialState.incarnation`: the peers are told with the hello. */
  readonly incarnation: number;
  /** Where to dial each peer (its link), `host:port`. */
  readonly peers: ReadonlyMap<NodeId, string>;
  readonly listenHost: string;
  readonly listenPort: number;
  readonly receive: (message: Message) => void;
  /** The connection over which `peer` sent has broken: it ended, or what came over it is no longer to be trusted. */
  readonly peerLost: (peer: NodeId) => void;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}
