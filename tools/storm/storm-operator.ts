import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../harness/random.ts';
import type { MembersChange, NodeStatus } from '../../node/protocol/client.ts';
import { askNode } from './storm-events.ts';
import type { StormNodes } from './storm-nodes.ts';

export type Members = Pick<NodeStatus['members'], 'index' | 'voters' | 'learners'>;

/** Range of the time between two changes. */
const REST_MS = [50, 1_200] as const;
/** Maximum time until a change is committed, during the storm or after it. */
const CHANGED_WITHIN_MS = 30_000;
const ASK_AGAIN_MS = 30;
/** Minimum number of voters. With fewer, one node that is down for a moment would stop the others. */
const MIN_VOTERS = 2;
/** Minimum number of voters for one to lose its data folder: the other two are a majority without it. */
const MIN_VOTERS_TO_LOSE_FOLDER = 3;

/**
 * Administers the cluster during a storm: nodes join, become voters, leave, replace each other, lose their data folder
 * and come back. It makes one change after the other, and asks for each until a committed configuration shows it.
 */
export class StormOperator {
  readonly #nodes: StormNodes;
  readonly #random: Random;
  /** Members by the last configuration that was seen committed. Only the change being asked for can be newer. */
  #members: Members;

  constructor(nodes: StormNodes, random: Random) {
    this.#nodes = nodes;
    this.#random = random;
    this.#members = { index: 0, voters: nodes.founders, learners: [] };
  }

  get members(): Members {
    return this.#members;
  }

  /** Makes changes until `signal` aborts, and then finishes the last one. Rejects if a change takes too long. */
  async work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(this.#random.int(...REST_MS), undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.#random.pick(ACTIONS)(this);
    }
  }

  async join(): Promise<void> {
    const { voters, learners } = this.#members;
    const others = this.#nodes.ids.filter((id) => !voters.includes(id) && !learners.includes(id));
    if (others.length > 0) await this.#add(this.#random.pick(others));
  }

  /** Makes a learner a voter, and sometimes removes another voter in the same change. */
  async promote(): Promise<void> {
    const { voters, learners } = this.#members;
    if (learners.length === 0) return;
    const id = this.#random.pick(learners);
    const leaves = this.#random.float() < 0.4 ? this.#random.pick(voters) : null;
    await this.#change(
      [{ type: 'promote', id }, ...(leaves === null ? [] : [{ type: 'remove', id: leaves } as const])],
      (now) => now.voters.includes(id) && (leaves === null || isNotMember(now, leaves)),
    );
    if (leaves !== null) await this.#retire(leaves);
  }

  async leave(): Promise<void> {
    const { voters } = this.#members;
    if (voters.length <= MIN_VOTERS) return;
    const id = this.#random.pick(voters);
    const type = this.#random.pick(['remove', 'demote'] as const);
    await this.#change([{ type, id }], (now) =>
      type === 'remove' ? isNotMember(now, id) : now.learners.includes(id),
    );
    if (type === 'remove') await this.#retire(id);
  }

  /** Empties a voter's data folder and restarts it. Then removes, adds and promotes it, so that it may vote again. */
  async loseFolder(): Promise<void> {
    const { voters } = this.#members;
    if (voters.length < MIN_VOTERS_TO_LOSE_FOLDER) return;
    const id = this.#random.pick(voters);
    await this.#nodes.exclusively(id, async () => {
      await this.#nodes.kill(id);
      await this.#nodes.wipe(id);
      await this.#nodes.start(id);
    });
    this.#nodes.count('folders lost');
    await this.#change([{ type: 'remove', id }], (now) => isNotMember(now, id));
    await this.#add(id);
    await this.#change([{ type: 'promote', id }], ({ voters: now }) => now.includes(id));
  }

  async #add(id: string): Promise<void> {
    const nodes = this.#nodes;
    await nodes.exclusively(id, async () => {
      if (!nodes.up.includes(id)) await nodes.start(id, nodes.joining);
    });
    const address = nodes.peerAddress(id);
    await this.#change([{ type: 'add-learner', id, address }], ({ learners }) => learners.includes(id));
  }

  /** A removed node may keep running, or end and later join as a new node. */
  async #retire(id: string): Promise<void> {
    if (this.#random.float() < 0.5) return;
    await this.#nodes.exclusively(id, async () => {
      await this.#nodes.kill(id);
      await this.#nodes.wipe(id);
    });
  }

  /** Asks for the changes until a committed configuration shows that they hold. */
  async #change(changes: readonly MembersChange[], holds: (members: Members) => boolean): Promise<void> {
    const nodes = this.#nodes;
    const deadline = performance.now() + CHANGED_WITHIN_MS;
    for (;;) {
      nodes.failed.throwIfAborted();
      await this.#look();
      if (holds(this.#members)) break;
      if (performance.now() > deadline)
        throw new Error(`liveness: not committed within ${CHANGED_WITHIN_MS} ms: ${JSON.stringify(changes)}`);
      const { leader } = nodes;
      if (leader !== null) await askNode(nodes, leader, { type: 'change-members', changes });
      await delay(ASK_AGAIN_MS);
    }
    nodes.count('changes of members');
  }

  async #look(): Promise<void> {
    const { leader } = this.#nodes;
    const answer = leader === null ? null : await askNode(this.#nodes, leader, { type: 'status' });
    if (answer?.type !== 'status') return;
    const { members } = JSON.parse(answer.status) as NodeStatus;
    // A deposed leader may know older configurations only.
    if (members.committed && members.outgoing.length === 0 && members.index >= this.#members.index)
      this.#members = members;
  }
}

const isNotMember = ({ voters, learners }: Members, id: string): boolean =>
  !voters.includes(id) && !learners.includes(id);

const ACTIONS: readonly ((operator: StormOperator) => Promise<void>)[] = [
  (operator) => operator.join(),
  (operator) => operator.join(),
  (operator) => operator.promote(),
  (operator) => operator.promote(),
  (operator) => operator.leave(),
  (operator) => operator.loseFolder(),
];
