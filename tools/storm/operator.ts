import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../harness/random.ts';
import type { MembersChange, NodeStatus } from '../../node/protocol/client.ts';
import { askNode } from './blows.ts';
import type { StormNodes } from './nodes.ts';

export type Members = Pick<NodeStatus['members'], 'index' | 'voters' | 'learners'>;

/** Between two changes, ms. */
const REST_MS = [50, 1_200] as const;
/** A change that has not come about by then, in the storm or after it, never will. */
const WITHIN_MS = 30_000;
const ASK_AGAIN_MS = 30;
/** With fewer, one who is away for a moment stops the others. */
const FEWEST_VOTERS = 2;
/** One of three may lose its data folder: the other two are a majority without it. */
const FEWEST_TO_LOSE_ONE = 3;

/**
 * Who administers a cluster in a storm: nodes join, become voters, leave, take each other's place, lose their data
 * folder and come back; one thing after the other, each asked for until a committed configuration shows it.
 */
export class Operator {
  readonly #nodes: StormNodes;
  readonly #random: Random;
  /** By the last configuration that was seen to be committed; there is no newer one, but for what is being asked. */
  #members: Members;

  constructor(nodes: StormNodes, random: Random) {
    this.#nodes = nodes;
    this.#random = random;
    this.#members = { index: 0, voters: nodes.founders, learners: [] };
  }

  get members(): Members {
    return this.#members;
  }

  /** Until `signal` aborts: then what was begun is still brought to its end. Rejects if it does not come about. */
  async work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(this.#random.int(...REST_MS), undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.#random.pick(DEEDS)(this);
    }
  }

  async join(): Promise<void> {
    const { voters, learners } = this.#members;
    const strangers = this.#nodes.ids.filter((id) => !voters.includes(id) && !learners.includes(id));
    if (strangers.length > 0) await this.#add(this.#random.pick(strangers));
  }

  /** A learner becomes a voter, sometimes in the place of another. */
  async promote(): Promise<void> {
    const { voters, learners } = this.#members;
    if (learners.length === 0) return;
    const id = this.#random.pick(learners);
    const leaves = this.#random.float() < 0.4 ? this.#random.pick(voters) : null;
    await this.#bringAbout(
      [{ type: 'promote', id }, ...(leaves === null ? [] : [{ type: 'remove', id: leaves } as const])],
      (now) => now.voters.includes(id) && (leaves === null || isNoMember(now, leaves)),
    );
    if (leaves !== null) await this.#retire(leaves);
  }

  async leave(): Promise<void> {
    const { voters } = this.#members;
    if (voters.length <= FEWEST_VOTERS) return;
    const id = this.#random.pick(voters);
    const type = this.#random.pick(['remove', 'demote'] as const);
    await this.#bringAbout([{ type, id }], (now) =>
      type === 'remove' ? isNoMember(now, id) : now.learners.includes(id),
    );
    if (type === 'remove') await this.#retire(id);
  }

  /** It comes back with an empty folder, and gets its vote again by the way that there is for that. */
  async loseFolder(): Promise<void> {
    const { voters } = this.#members;
    if (voters.length < FEWEST_TO_LOSE_ONE) return;
    const id = this.#random.pick(voters);
    await this.#nodes.alone(id, async () => {
      await this.#nodes.kill(id);
      await this.#nodes.wipe(id);
      await this.#nodes.start(id);
    });
    this.#nodes.count('folders lost');
    await this.#bringAbout([{ type: 'remove', id }], (now) => isNoMember(now, id));
    await this.#add(id);
    await this.#bringAbout([{ type: 'promote', id }], ({ voters: now }) => now.includes(id));
  }

  async #add(id: string): Promise<void> {
    const nodes = this.#nodes;
    await nodes.alone(id, async () => {
      if (!nodes.up.includes(id)) await nodes.start(id, nodes.joining);
    });
    const address = nodes.peerAddress(id);
    await this.#bringAbout([{ type: 'add-learner', id, address }], ({ learners }) => learners.includes(id));
  }

  /** Who has left may run on, or end and come back one day as a new one. */
  async #retire(id: string): Promise<void> {
    if (this.#random.float() < 0.5) return;
    await this.#nodes.alone(id, async () => {
      await this.#nodes.kill(id);
      await this.#nodes.wipe(id);
    });
  }

  async #bringAbout(changes: readonly MembersChange[], holds: (members: Members) => boolean): Promise<void> {
    const nodes = this.#nodes;
    const deadline = performance.now() + WITHIN_MS;
    for (;;) {
      nodes.broken.throwIfAborted();
      await this.#look();
      if (holds(this.#members)) break;
      if (performance.now() > deadline)
        throw new Error(`liveness: not within ${WITHIN_MS} ms: ${JSON.stringify(changes)}`);
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
    // One that was deposed may know older ones only.
    if (members.committed && members.outgoing.length === 0 && members.index >= this.#members.index)
      this.#members = members;
  }
}

const isNoMember = ({ voters, learners }: Members, id: string): boolean =>
  !voters.includes(id) && !learners.includes(id);

const DEEDS: readonly ((operator: Operator) => Promise<void>)[] = [
  (operator) => operator.join(),
  (operator) => operator.join(),
  (operator) => operator.promote(),
  (operator) => operator.promote(),
  (operator) => operator.leave(),
  (operator) => operator.loseFolder(),
];
