import type { PeerMessage, SnapshotWanted } from '../protocol/snapshot-message.ts';
import type { InstallSnapshot } from '../raft/message.ts';
import type { LogIndex, NodeId } from '../raft/types.ts';
import type { Snapshots, SnapshotSource } from './ports.ts';

/** Size of one message, and maximum number of bytes under way to a peer ahead of its answers. */
const CHUNK_BYTES = 256 << 10;
const WINDOW_BYTES = 1 << 20;
/** Time without an answer after which the peer is asked where to continue, in ms. */
const ASK_AGAIN_MS = 500;
/** Time without progress after which the transfer has failed, in ms; the core decides what follows. */
const GIVE_UP_MS = 10_000;

export interface SnapshotSenderOptions {
  readonly snapshots: Snapshots;
  readonly send: (message: PeerMessage) => void;
  /** A transfer has ended: `to` has all of it, or it did not work. */
  readonly report: (to: NodeId, ok: boolean) => void;
  readonly now: () => number;
  /** Messages leave with the next turn. */
  readonly wake: () => void;
  readonly onFailure: (error: unknown) => void;
}

interface Transfer {
  readonly install: InstallSnapshot;
  readonly source: SnapshotSource;
  /** The peer has the bytes up to here. */
  arrived: number;
  /** They were sent up to here. */
  sent: number;
  reading: boolean;
  /** The peer has named the offset to continue at, so it is alive. */
  answered: boolean;
  /** Time of the peer's last progress, and time at which it was last heard from or asked. */
  progressMs: number;
  heardMs: number;
}

/** Streams the newest snapshot to followers: at most one transfer per peer, a window of bytes ahead of its answers. */
export class SnapshotSender {
  readonly #o: SnapshotSenderOptions;
  readonly #transfers = new Map<NodeId, Transfer>();
  /** Peers whose file is being opened. */
  readonly #opening = new Map<NodeId, InstallSnapshot>();
  #stopped = false;

  constructor(options: SnapshotSenderOptions) {
    this.#o = options;
  }

  /** Index of the oldest one that a peer is taking; null: none is. */
  get oldest(): LogIndex | null {
    let oldest: LogIndex | null = null;
    for (const { source, answered } of this.#transfers.values()) {
      const { index } = source.snapshot;
      if (answered && (oldest === null || index < oldest)) oldest = index;
    }
    return oldest;
  }

  /** The core wants `install.to` to have a snapshot. */
  begin(install: InstallSnapshot): void {
    this.#open(install, this.#o.now());
  }

  /** The peer reports its offset. */
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

  /** `to` can be reached again: it is asked at once, without waiting for the next regular question. */
  linkMade(to: NodeId): void {
    const transfer = this.#transfers.get(to);
    if (transfer !== undefined) this.#ask(transfer, this.#o.now());
  }

  /** This node does not lead any more: the new leader serves the followers. */
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
      // Nothing is sent before the peer names the offset to begin at.
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

  /** Where to go on? */
  #ask(transfer: Transfer, nowMs: number): void {
    transfer.heardMs = nowMs;
    // A peer that has received nothing yet can get the newest snapshot.
    if (transfer.answered) this.#offer(transfer);
    else this.#open(transfer.install, transfer.progressMs);
  }

  /** Reads and sends the next piece, as long as the window has room. */
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
        // The peer may have asked for another place meanwhile.
        if (transfer.sent === sent) this.#sendChunk(transfer, data);
        this.#pump(transfer);
      },
      (error: unknown) => {
        // One that has ended meanwhile has closed its file.
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
