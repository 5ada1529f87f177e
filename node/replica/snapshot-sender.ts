import type { PeerMessage, SnapshotWanted } from '../protocol/snapshot-message.ts';
import type { InstallSnapshot } from '../raft/message.ts';
import type { LogIndex, NodeId } from '../raft/types.ts';
import type { Snapshots, SnapshotSource } from './ports.ts';

/** Size of one message, and maximum number of bytes that are sent to a peer ahead of its answers. */
const CHUNK_BYTES = 256 << 10;
const WINDOW_BYTES = 1 << 20;
/** Time without an answer after which the peer is asked where to continue, in ms. */
const ASK_AGAIN_MS = 500;
/** Time without progress after which the transfer has failed, in ms; the core decides what follows. */
const GIVE_UP_MS = 10_000;

export interface SnapshotSenderOptions {
  readonly snapshots: Snapshots;
  readonly send: (message: PeerMessage) => void;
  /** Called when a transfer has ended. `ok`: `to` has the whole snapshot; else the transfer failed. */
  readonly report: (to: NodeId, ok: boolean) => void;
  readonly now: () => number;
  /** Called when messages must be sent with the next turn. */
  readonly wake: () => void;
  readonly onFailure: (error: unknown) => void;
}

interface Transfer {
  readonly install: InstallSnapshot;
  readonly source: SnapshotSource;
  /** Number of bytes that the peer has. */
  arrived: number;
  /** Number of bytes that were sent. */
  sent: number;
  reading: boolean;
  /** True if the peer has named the offset from which to continue, so it is alive. */
  answered: boolean;
  /** Time of the peer's last progress, and time at which it was last heard from or asked. */
  progressMs: number;
  heardMs: number;
}

/** Streams the newest snapshot to followers. A peer has at most one transfer, which is limited by a window of bytes. */
export class SnapshotSender {
  readonly #o: SnapshotSenderOptions;
  readonly #transfers = new Map<NodeId, Transfer>();
  /** Peers whose file is being opened. */
  readonly #opening = new Map<NodeId, InstallSnapshot>();
  #stopped = false;

  constructor(options: SnapshotSenderOptions) {
    this.#o = options;
  }

  /** Last index of the oldest snapshot that is being sent; null: none is. */
  get oldest(): LogIndex | null {
    let oldest: LogIndex | null = null;
    for (const { source, answered } of this.#transfers.values()) {
      const { index } = source.snapshot;
      if (answered && (oldest === null || index < oldest)) oldest = index;
    }
    return oldest;
  }

  /** Begins a transfer that the core has asked for. */
  begin(install: InstallSnapshot): void {
    this.#open(install, this.#o.now());
  }

  /** Handles an answer, in which the peer reports its offset. */
  wanted({ from, index, offset, again }: SnapshotWanted): void {
    const transfer = this.#transfers.get(from);
    if (transfer === undefined) return;
    const { snapshot } = transfer.source;
    if (snapshot.index !== index || offset > snapshot.bytes) return;
    const nowMs = this.#o.now();
    transfer.heardMs = nowMs;
    transfer.answered = true;
    if (offset === snapshot.bytes) {
      this.#end(from);
      this.#o.report(from, true);
      return;
    }
    if (offset > transfer.arrived) transfer.progressMs = nowMs;
    transfer.arrived = offset;
    if (again || transfer.sent < offset) transfer.sent = offset;
    this.#pump(transfer);
  }

  tick(nowMs: number): void {
    for (const [to, transfer] of this.#transfers) {
      if (nowMs - transfer.progressMs >= GIVE_UP_MS) {
        this.#end(to);
        this.#o.report(to, false);
      } else if (nowMs - transfer.heardMs >= ASK_AGAIN_MS) {
        this.#ask(transfer, nowMs);
      }
    }
  }

  /** Call it when `to` can be reached again: asks at once for the offset, instead of at the next regular time. */
  linkMade(to: NodeId): void {
    const transfer = this.#transfers.get(to);
    if (transfer !== undefined) this.#ask(transfer, this.#o.now());
  }

  /** Ends all transfers, because this node does not lead any more. */
  endAll(): void {
    this.#opening.clear();
    for (const to of this.#transfers.keys()) this.#end(to);
  }

  stop(): void {
    this.#stopped = true;
    this.endAll();
  }

  #open(install: InstallSnapshot, sinceMs: number): void {
    const { to } = install;
    this.#end(to);
    this.#opening.set(to, install);
    this.#o.snapshots.open().then(
      (source) => this.#opened(install, source, sinceMs),
      (error: unknown) => this.#o.onFailure(error),
    );
  }

  #opened(install: InstallSnapshot, source: SnapshotSource | null, sinceMs: number): void {
    const { to } = install;
    const stale = this.#stopped || this.#opening.get(to) !== install;
    if (!stale) this.#opening.delete(to);
    if (stale || source === null || source.snapshot.index < install.snapshot.index) {
      void source?.close();
      if (!stale) this.#o.report(to, false);
      return;
    }
    const transfer: Transfer = {
      install,
      source,
      arrived: 0,
      // Nothing is sent before the peer names the offset from which to begin.
      sent: Infinity,
      reading: false,
      answered: false,
      progressMs: sinceMs,
      heardMs: this.#o.now(),
    };
    this.#transfers.set(to, transfer);
    this.#offer(transfer);
    this.#o.wake();
  }

  #offer({ install, source }: Transfer): void {
    const { from, incarnation, to, term } = install;
    const { index, term: lastTerm, configuration, bytes, checksum } = source.snapshot;
    const snapshot = { index, term: lastTerm, configuration };
    this.#o.send({ type: 'SnapshotOffer', from, incarnation, to, term, snapshot, bytes, checksum });
  }

  /** Asks the peer from which offset to continue. */
  #ask(transfer: Transfer, nowMs: number): void {
    transfer.heardMs = nowMs;
    // If the peer has received nothing yet, the newest snapshot is offered.
    if (transfer.answered) this.#offer(transfer);
    else this.#open(transfer.install, transfer.progressMs);
  }

  /** Reads and sends the next chunks while the window has room. */
  #pump(transfer: Transfer): void {
    const { source, sent } = transfer;
    const room = transfer.arrived + WINDOW_BYTES - sent;
    const bytes = Math.min(CHUNK_BYTES, room, source.snapshot.bytes - sent);
    if (transfer.reading || bytes <= 0) return;
    const isCurrent = (): boolean => this.#transfers.get(transfer.install.to) === transfer;
    transfer.reading = true;
    source.read(sent, bytes).then(
      (data) => {
        transfer.reading = false;
        if (!isCurrent()) return;
        // The peer may have asked for another offset meanwhile.
        if (transfer.sent === sent) this.#sendChunk(transfer, data);
        this.#pump(transfer);
      },
      (error: unknown) => {
        // If the transfer has ended meanwhile, its file is closed, and the error means nothing.
        if (isCurrent()) this.#o.onFailure(error);
      },
    );
  }

  #sendChunk(transfer: Transfer, data: Uint8Array): void {
    const { from, incarnation, to, term } = transfer.install;
    const { index } = transfer.source.snapshot;
    const offset = transfer.sent;
    transfer.sent += data.length;
    this.#o.send({ type: 'SnapshotChunk', from, incarnation, to, term, index, offset, data });
    this.#o.wake();
  }

  #end(to: NodeId): void {
    const transfer = this.#transfers.get(to);
    this.#transfers.delete(to);
    this.#opening.delete(to);
    void transfer?.source.close();
  }
}
