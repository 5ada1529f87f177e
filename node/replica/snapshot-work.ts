import type { StateMachine } from '../kv/state-machine.ts';
import type { PeerMessage, SnapshotMessage } from '../protocol/snapshot-message.ts';
import type { SnapshotMeta } from '../raft/configuration.ts';
import type { InstallSnapshot } from '../raft/message.ts';
import type { Raft } from '../raft/raft.ts';
import type { Entry, LogIndex, NodeId } from '../raft/types.ts';
import type { Storage, StoredSnapshot } from './ports.ts';
import type { Log } from './log.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import { SnapshotSender } from './snapshot-sender.ts';
import { Snapshotter } from './snapshotter.ts';
import type { SnapshotPolicy } from './snapshotter.ts';
import type { Observer } from './trace.ts';

export interface SnapshotWorkOptions {
  readonly policy: SnapshotPolicy;
  readonly raft: Raft;
  readonly storage: Storage;
  readonly stateMachine: StateMachine;
  readonly startedFrom: StoredSnapshot | null;
  /** Of this node's data folder. */
  readonly incarnation: number;
  readonly trace: Observer;
  readonly send: (message: PeerMessage) => void;
  readonly now: () => number;
  /** There is work to do, or a message to send: a turn must follow. */
  readonly wake: () => void;
  readonly log: Log;
  readonly onFailure: (error: unknown) => void;
}

/** The snapshot work of a replica: takes them, sends them, receives them, and installs them. */
export class SnapshotWork {
  readonly #o: SnapshotWorkOptions;
  readonly #snapshotter: Snapshotter;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;

  constructor(options: SnapshotWorkOptions) {
    this.#o = options;
    const { raft, storage, now, trace } = options;
    const { snapshots } = storage;
    this.#sender = new SnapshotSender({
      ...options,
      snapshots,
      report: (to, ok) => raft.reportSnapshot(to, ok, now()),
    });
    this.#receiver = new SnapshotReceiver({
      ...options,
      snapshots,
      step: (install) => raft.step(install, now()),
    });
    this.#snapshotter = new Snapshotter(
      {
        ...options,
        digestAt: (index) => trace.digestAt(index),
        sending: () => this.#sender.oldest,
        onTaken: (snapshot, keptFrom) => {
          trace.taken(snapshot);
          trace.compacted(keptFrom);
        },
      },
      options.startedFrom,
    );
  }

  received(message: SnapshotMessage): void {
    if (message.type === 'SnapshotOffer') this.#receiver.offered(message);
    else if (message.type === 'SnapshotChunk') this.#receiver.chunk(message);
    else this.#sender.wanted(message);
  }

  /** The core wants a follower to have one. */
  send(install: InstallSnapshot): void {
    this.#sender.begin(install);
  }

  /** A new connection, over which entries and snapshots are sent to `peer`, was made. */
  linkMade(peer: NodeId): void {
    this.#sender.linkMade(peer);
  }

  /** The state machine has applied `entries`. */
  applied(entries: readonly Entry[]): void {
    this.#snapshotter.applied(entries);
    this.#receiver.applied(entries.at(-1)!.index);
  }

  /** The core has put one that was received in the place of its log: its state is the state now. */
  install(meta: SnapshotMeta): void {
    const snapshot = this.#receiver.install(meta);
    this.#o.trace.installing(snapshot);
    this.#snapshotter.installed(snapshot);
  }

  /** One is the whole log now, on the disk, too. */
  installed(index: LogIndex): void {
    this.#o.storage.compact(index);
  }

  turn(leads: boolean, nowMs: number): void {
    if (leads) this.#sender.tick(nowMs);
    else this.#sender.endAll();
    this.#snapshotter.takeIfDue();
  }

  /** Takes one now; null: nothing is applied, or the disk has failed. */
  take(): Promise<StoredSnapshot | null> {
    return this.#snapshotter.take();
  }

  /** Sends nothing more. */
  end(): void {
    this.#sender.stop();
  }

  /** Resolves when no write is under way any more. */
  async stop(): Promise<void> {
    await Promise.all([this.#snapshotter.stop(), this.#receiver.stop()]);
  }
}
