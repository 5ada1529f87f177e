import { MalformedBytes } from '../kv/bytes.ts';
import type { StateMachine, StateRestore } from '../kv/state-machine.ts';
import type { PeerMessage, SnapshotChunk, SnapshotOffer } from '../protocol/snapshot-message.ts';
import type { SnapshotMeta } from '../raft/configuration.ts';
import type { InstallSnapshot } from '../raft/message.ts';
import type { LogIndex } from '../raft/types.ts';
import type { Log } from './log.ts';
import { SnapshotDamage } from './ports.ts';
import type { Snapshots, SnapshotSink, StoredSnapshot } from './ports.ts';

/** Maximum number of bytes that wait for the disk. A sender's window is smaller. */
const MAX_WAITING_BYTES = 4 << 20;

export interface SnapshotReceiverOptions {
  readonly snapshots: Snapshots;
  readonly stateMachine: StateMachine;
  /** Incarnation of this node. */
  readonly incarnation: number;
  readonly send: (message: PeerMessage) => void;
  /** Called when a snapshot is completely durable, so that the core can install it. */
  readonly step: (install: InstallSnapshot) => void;
  readonly wake: () => void;
  readonly log: Log;
  readonly onFailure: (error: unknown) => void;
}

/** A snapshot that is being received. */
interface Incoming {
  /** Latest offer of this snapshot. A new leader may offer the same snapshot again. */
  offer: SnapshotOffer;
  readonly restore: StateRestore;
  sink: SnapshotSink | null;
  /** Bytes received in order, and the part of them that is in the file. */
  came: number;
  written: number;
  /** Offset at which the sender was asked to continue; −1: it was not asked since the last chunk. */
  askedAt: number;
  /** Writes to the file, one after the other. */
  writing: Promise<void>;
}

/**
 * Receives a snapshot that a leader streams. The bytes are written to a file, and at the same time restored into a
 * state that can replace the present one. The core learns of the snapshot only after all of it is checked and durable.
 */
export class SnapshotReceiver {
  readonly #o: SnapshotReceiverOptions;
  #incoming: Incoming | null = null;
  /** Snapshot that is durable, but that the core has not installed (yet). */
  #ready: { readonly snapshot: StoredSnapshot; readonly restore: StateRestore } | null = null;
  #applied = 0 as LogIndex;
  #stopped = false;

  constructor(options: SnapshotReceiverOptions) {
    this.#o = options;
  }

  offered(offer: SnapshotOffer): void {
    const { snapshot, bytes, checksum } = offer;
    const incoming = this.#incoming;
    if (this.#applied >= snapshot.index) {
      // The core answers with its commit index.
      this.#answer(offer, bytes, false);
      this.#install(offer, snapshot);
    } else if (this.#ready !== null && this.#ready.snapshot.index >= snapshot.index) {
      this.#answer(offer, bytes, false);
      this.#install(offer, this.#ready.snapshot);
    } else if (incoming?.offer.snapshot.index === snapshot.index && incoming.offer.checksum === checksum) {
      incoming.offer = offer;
      // After the last byte has arrived, the answer waits until the snapshot is durable.
      if (incoming.sink !== null && incoming.came < bytes) this.#answer(offer, incoming.came, true);
    } else {
      this.#begin(offer);
    }
  }

  chunk({ index, offset, data, from }: SnapshotChunk): void {
    const incoming = this.#incoming;
    if (incoming === null || incoming.sink === null) return;
    const { offer } = incoming;
    if (offer.snapshot.index !== index || offer.from !== from) return;
    const fits = incoming.came - incoming.written + data.length <= MAX_WAITING_BYTES;
    if (offset !== incoming.came || incoming.came + data.length > offer.bytes || !fits) {
      // After a lost chunk all later ones are useless: request a resend once.
      if (incoming.askedAt !== incoming.came) this.#answer(offer, incoming.came, true);
      incoming.askedAt = incoming.came;
      return;
    }
    incoming.came += data.length;
    incoming.writing = incoming.writing.then(() => this.#write(incoming, data));
  }

  /** Call it when the state machine has applied up to `index`. */
  applied(index: LogIndex): void {
    this.#applied = index;
    if (this.#ready !== null && this.#ready.snapshot.index <= index) this.#ready = null;
    if (this.#incoming !== null && this.#incoming.offer.snapshot.index <= index) this.#drop();
  }

  /** Replaces the state by that of the received snapshot, with which the core has replaced its log. */
  install({ index }: SnapshotMeta): StoredSnapshot {
    const ready = this.#ready;
    if (ready === null || ready.snapshot.index !== index)
      throw new Error(`snapshot ${index} must be installed, but was not received`);
    ready.restore.finish();
    this.applied(index);
    return ready.snapshot;
  }

  /** Resolves when no write is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const incoming = this.#incoming;
    this.#drop();
    await incoming?.writing;
  }

  #begin(offer: SnapshotOffer): void {
    this.#drop();
    const incoming: Incoming = {
      offer,
      restore: this.#o.stateMachine.restoring(),
      sink: null,
      came: 0,
      written: 0,
      askedAt: -1,
      writing: Promise.resolve(),
    };
    this.#incoming = incoming;
    this.#o.snapshots.receive().then(
      (sink) => {
        incoming.sink = sink;
        if (this.#incoming === incoming) this.#answer(incoming.offer, 0, true);
        else this.#abort(incoming);
      },
      (error: unknown) => this.#o.onFailure(error),
    );
  }

  async #write(incoming: Incoming, data: Uint8Array): Promise<void> {
    if (this.#incoming !== incoming) return;
    try {
      for (const block of await incoming.sink!.write(data)) incoming.restore.push(block);
      incoming.written += data.length;
      if (this.#incoming !== incoming) return;
      if (incoming.written < incoming.offer.bytes) this.#answer(incoming.offer, incoming.written, false);
      else await this.#finish(incoming);
    } catch (error) {
      if (!(error instanceof SnapshotDamage || error instanceof MalformedBytes))
        return this.#o.onFailure(error);
      const { from, snapshot } = incoming.offer;
      this.#o.log({
        level: 'warn',
        event: 'snapshot-damaged',
        message: `snapshot ${snapshot.index} from ${from} was refused: ${error.message}`,
        fields: { peer: from, index: snapshot.index, reason: error.message },
      });
      if (this.#incoming === incoming) this.#drop();
    }
  }

  async #finish(incoming: Incoming): Promise<void> {
    const snapshot = await incoming.sink!.finish();
    if (this.#incoming !== incoming || this.#stopped) return;
    this.#incoming = null;
    this.#ready = { snapshot, restore: incoming.restore };
    this.#answer(incoming.offer, snapshot.bytes, false);
    this.#install(incoming.offer, snapshot);
  }

  #install({ from, incarnation, to, term }: SnapshotOffer, meta: SnapshotMeta): void {
    const snapshot = { index: meta.index, term: meta.term, configuration: meta.configuration };
    this.#o.step({ type: 'InstallSnapshot', from, incarnation, to, term, snapshot });
  }

  #answer({ from, to, term, snapshot }: SnapshotOffer, offset: number, again: boolean): void {
    const envelope = { from: to, incarnation: this.#o.incarnation, to: from, term };
    this.#o.send({ type: 'SnapshotWanted', ...envelope, index: snapshot.index, offset, again });
    this.#o.wake();
  }

  #drop(): void {
    const incoming = this.#incoming;
    this.#incoming = null;
    if (incoming !== null && incoming.sink !== null) this.#abort(incoming);
  }

  #abort(incoming: Incoming): void {
    incoming.writing = incoming.writing
      .then(() => incoming.sink!.abort())
      .catch((error: unknown) => this.#o.onFailure(error));
  }
}
