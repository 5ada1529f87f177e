import type { AdminOperation, ClientResult } from '../protocol/client.ts';
import type { Raft } from '../raft/raft.ts';
import type { CoreStatus } from '../raft/ready.ts';
import { nodeId } from '../raft/types.ts';
import type { Entry, LogIndex } from '../raft/types.ts';
import { error, notLeader } from './answers.ts';
import type { Requester } from './answers.ts';
import { Changes } from './changes.ts';
import { nodeStatus } from './node-status.ts';
import type { StoredSnapshot } from './ports.ts';
import type { SnapshotWork } from './snapshot-work.ts';
import { Transfers } from './transfers.ts';

export interface AdminOptions {
  readonly raft: Raft;
  readonly snapshots: SnapshotWork;
  readonly applied: () => LogIndex;
  readonly now: () => number;
  /** Proposes the earlier requests of clients. */
  readonly proposeGathered: (nowMs: number) => void;
  readonly wake: () => void;
}

/** Requests to the node (in contrast to requests to the store), from their arrival to their answer. */
export class Admin {
  readonly #o: AdminOptions;
  readonly #transfers = new Transfers();
  readonly #changes = new Changes();
  /** The answer to all requests after the end of the service. */
  #ended: ClientResult | null = null;

  constructor(options: AdminOptions) {
    this.#o = options;
  }

  get waiting(): number {
    return this.#transfers.waiting + this.#changes.waiting;
  }

  serve(operation: AdminOperation, requester: Requester, requestId: number): void {
    const { raft, now } = this.#o;
    const nowMs = now();
    switch (operation.type) {
      case 'transfer-leadership':
        return this.#transfer(operation.target, nowMs, { requester, requestId });
      case 'change-members': {
        const changes = operation.changes.map((change) => ({ ...change, id: nodeId(change.id) }));
        return this.#changes.begun(raft.proposeConfiguration(changes, nowMs), requester, requestId);
      }
      case 'status': {
        const at = { applied: this.#o.applied(), nowMs };
        const status = JSON.stringify(nodeStatus(raft.status(), raft.followers(), at));
        return requester.answer(requestId, { type: 'status', status });
      }
      case 'take-snapshot':
        void this.#takeSnapshot(requester, requestId);
        return;
      default:
        operation satisfies never;
    }
  }

  /** Call it when a `config` entry is applied. */
  applied(entry: Entry): void {
    this.#changes.applied(entry);
  }

  /** Answers the requests that have ended according to `status`. */
  settle(status: CoreStatus, nowMs: number): void {
    this.#transfers.settle(status, nowMs);
  }

  leadLost(status: CoreStatus): void {
    this.#changes.leadLost(status);
  }

  endAll(result: ClientResult): void {
    this.#ended = result;
    this.#transfers.endAll(result);
    this.#changes.endAll(result);
  }

  /** Transfers the leadership to `target`, or to the node with the highest match index (null). */
  #transfer(
    target: string | null,
    nowMs: number,
    client: { readonly requester: Requester; readonly requestId: number },
  ): void {
    const { raft, proposeGathered } = this.#o;
    const { requester, requestId } = client;
    // Requests from before the transfer are still proposed.
    proposeGathered(nowMs);
    const result = raft.transferLeadership(target === null ? null : nodeId(target), nowMs);
    if (result.ok) return this.#transfers.add(result.to, raft.status().term, nowMs, client);
    if (result.reason === 'not-leader') return requester.answer(requestId, notLeader(result.leader));
    const code = result.reason === 'busy' ? 'busy' : 'bad-request';
    requester.answer(requestId, error(code, `the leadership cannot be transferred: ${result.detail}`));
  }

  async #takeSnapshot(requester: Requester, requestId: number): Promise<void> {
    const taken = await this.#o.snapshots.take();
    requester.answer(requestId, taken === null ? (this.#ended ?? NOTHING_APPLIED) : snapshotTaken(taken));
    this.#o.wake();
  }
}

const NOTHING_APPLIED = error('busy', 'a snapshot is not possible yet, because nothing is applied');

const snapshotTaken = ({ index, term, bytes, logDigest, stateDigest }: StoredSnapshot): ClientResult => ({
  type: 'snapshot',
  index,
  term,
  bytes,
  logDigest,
  stateDigest,
});
