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
  /** Incarnation of this node's data folder. */
  readonly incarnation: number;
  readonly trace: Observer;
  readonly send: (message: PeerMessage) => void;
  readonly now: () => number;
  /** Called when a turn is needed, because there is work to do or a message to send. */
  readonly wake: () => void;
  readonly log: Log;
  readonly onFailure: (error: unknown) => void;
}

/** The snapshot work of a replica: takes, sends, receives and installs snapshots. */
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

  /** Sends a snapshot to a follower, because the core has asked for it. */
  send(install: InstallSnapshot): void {
    this.#sender.begin(install);
  }

  /** Call it when a new connection over which entries and snapshots are sent to `peer` was made. */
  linkMade(peer: NodeId): void {
    this.#sender.linkMade(peer);
  }

  /** Call it when the state machine has applied `entries`. */
  applied(entries: readonly Entry[]): void {
    this.#snapshotter.applied(entries);
    this.#receiver.applied(entries.at(-1)!.index);
  }

  /** Replaces the state by that of a received snapshot, with which the core has replaced its log. */
  install(meta: SnapshotMeta): void {
    const snapshot = this.#receiver.install(meta);
    this.#o.trace.installing(snapshot);
    this.#snapshotter.installed(snapshot);
  }

  /** Call it when a received snapshot has replaced the log on the disk, too. */
  installed(index: LogIndex): void {
    this.#o.storage.compact(index);
  }

  turn(leads: boolean, nowMs: number): void {
    if (leads) this.#sender.tick(nowMs);
    else this.#sender.endAll();
    this.#snapshotter.takeIfDue();
  }

  /** Takes a snapshot now. Resolves with null if nothing is applied, or the disk has failed. */
  take(): Promise<StoredSnapshot | null> {
    return this.#snapshotter.take();
  }

  /** Ends all transfers to followers. */
  end(): void {
    this.#sender.stop();
  }

  /** Resolves when no write is under way any more. */
  async stop(): Promise<void> {
    await Promise.all([this.#snapshotter.stop(), this.#receiver.stop()]);
  }
}
