import { membersOf } from '../../../../node/raft/membership.ts';
import type { Configuration } from '../../../../node/raft/configuration.ts';
import type { AdminOperation, MembersChange } from '../../../../node/protocol/client.ts';
import type { CoreStatus } from '../../../../node/raft/ready.ts';
import type { NodeId } from '../../../../node/raft/types.ts';
import type { Random } from '../../../random.ts';
import type { SimCluster } from '../cluster.ts';
import { separate, split } from './split.ts';
import type { StormCluster } from './storm-cluster.ts';
import { SimWire } from '../wire.ts';
import { chance } from '../weather.ts';

const MOST_VOTERS = 7;
/** Mean times between two requests, in virtual ms; the seed chooses one. With null there are no requests. */
const PACES_MS = [null, 50, 150, 500] as const;
/**
 * Maximum times from a request until the cluster may be split, in virtual ms: before any node receives the request, or
 * while it is carried out.
 */
const SOON_MS = [0, 5, 60] as const;
const LOSS_WITHIN_MS = 200;

export interface OperatorParts {
  readonly storm: StormCluster;
  readonly random: Random;
  /** True if a node may lose its data folder. */
  readonly loses: boolean;
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => [random.float(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item);
}

/**
 * The operator of a cluster: it adds, promotes, demotes, removes and replaces nodes, transfers the leadership and takes
 * snapshots. It sends requests as any client does: they may be refused or lost, and it may never learn their result.
 */
export class Operator {
  readonly #storm: StormCluster;
  readonly #cluster: SimCluster;
  readonly #random: Random;
  /**
   * Minimum number of voters. Null if a folder may be lost: then no voter is removed without a new one, because the
   * other two of three must be able to decide.
   */
  readonly #fewestVoters: number | null;
  #mayLose: boolean;
  #stopped = false;
  /** A node whose data folder was lost, until it is no longer a member. */
  #lost: NodeId | null = null;

  constructor({ storm, random, loses }: OperatorParts) {
    this.#storm = storm;
    this.#cluster = storm.sim;
    this.#random = random;
    this.#mayLose = loses;
    this.#fewestVoters = loses ? null : random.int(1, 3);
  }

  /** Sends one request after another until `stop`. */
  start(): void {
    const paceMs = this.#random.pick(PACES_MS);
    if (paceMs === null) return;
    const next = (): void => {
      this.#cluster.time.after(paceMs * 2 * this.#random.float(), () => {
        if (this.#stopped) return;
        this.#askFor(this.#random.float());
        next();
      });
    };
    next();
  }

  stop(): void {
    this.#stopped = true;
  }

  /**
   * Makes a node lose its data folder, at most once per cluster, because a second loss could erase the data of a
   * majority. Before the loss, some other nodes are separated from the leader, so that they may not have the entries
   * that the node loses.
   */
  loseFolder(): void {
    const cluster = this.#cluster;
    const { leader, servers, time } = cluster;
    const random = this.#random;
    if (!this.#mayLose || leader === null) return;
    const [victim, ...others] = shuffled(
      servers.filter(({ id, up }) => up && id !== leader.id),
      random,
    );
    if (victim === undefined) return;
    this.#mayLose = false;
    this.#lost = victim.id;
    const deaf = others.slice(0, Math.ceil(others.length / 2));
    separate(cluster, random, [cluster.server(leader.id)], deaf);
    time.after(random.float() * LOSS_WITHIN_MS, () => {
      if (this.#stopped) return;
      this.#storm.wipe(victim.id);
      if (chance(random, 0.7)) separate(cluster, random, [cluster.server(leader.id)], servers);
    });
  }

  #askFor(dice: number): void {
    const { servers } = this.#cluster;
    if (dice < 0.05) return this.#ask(this.#random.pick(servers).id, { type: 'take-snapshot' });
    const asked = this.#someLeader();
    if (asked === null) return;
    if (dice > 0.85) {
      const { voters } = asked.configuration;
      const target = chance(this.#random, 0.5) ? null : this.#random.pick(voters);
      return this.#ask(asked.id, { type: 'transfer-leadership', target });
    }
    const changes = this.#draw(asked.configuration);
    if (changes.length === 0) return;
    // A node must run before it can join.
    for (const { type, id } of changes) if (type === 'add-learner') this.#cluster.server(id).startIfDown();
    this.#ask(asked.id, { type: 'change-members', changes });
    if (chance(this.#random, 0.5))
      this.#cluster.time.after(this.#random.float() * this.#random.pick(SOON_MS), () =>
        this.#fallApart(asked.id, changes),
      );
  }

  /** The cut is mostly between the nodes that stay (with the leader that was asked) and the nodes that leave. */
  #fallApart(leader: NodeId, changes: readonly MembersChange[]): void {
    const cluster = this.#cluster;
    if (this.#stopped) return;
    const leaving = changes.flatMap(({ type, id }) => (type === 'remove' || type === 'demote' ? [id] : []));
    if (leaving.length === 0 || chance(this.#random, 0.4)) return split(cluster, this.#random);
    const away = cluster.servers.filter(({ id }) => id !== leader && leaving.includes(id));
    separate(
      cluster,
      this.#random,
      away,
      cluster.servers.filter((server) => !away.includes(server)),
    );
  }

  /** Changes that make sense for this configuration, which may be outdated. */
  #draw(configuration: Configuration): MembersChange[] {
    const random = this.#random;
    const { voters, learners } = configuration;
    const members = membersOf(configuration);
    const lost = this.#lost;
    if (lost !== null && !members.has(lost)) this.#lost = null;
    // At some time the loss is noticed and the node is removed; then it may be added again.
    else if (lost !== null && chance(random, 0.3)) return [{ type: 'remove', id: lost }];
    const changes: MembersChange[] = [];
    const fewest = this.#fewestVoters ?? voters.length;
    let left = voters.length;
    for (const id of learners) {
      if (!chance(random, 0.5)) continue;
      const promotes = left < MOST_VOTERS;
      if (promotes) left++;
      changes.push({ type: promotes ? 'promote' : 'remove', id });
    }
    for (const { id } of this.#cluster.servers) {
      if (members.has(id) || !chance(random, 0.4)) continue;
      changes.push({ type: 'add-learner', id, address: `127.0.0.1:7${id.slice(1).padStart(3, '0')}` });
    }
    // Usually one or two nodes leave. Sometimes nearly all nodes leave that may leave, so that the old and the new
    // majority have few nodes in common.
    const leaves = chance(random, 0.3) ? 0.8 : 1 / voters.length;
    for (const id of voters) {
      if (left <= fewest || !chance(random, leaves)) continue;
      left--;
      changes.push({ type: random.pick(['remove', 'demote']), id });
    }
    return changes;
  }

  /** The leader, or a node that believes it is the leader. */
  #someLeader(): CoreStatus | null {
    const { servers, leader } = this.#cluster;
    if (chance(this.#random, 0.8)) return leader;
    const statuses = servers.flatMap(({ status }) => (status?.role === 'leader' ? [status] : []));
    return statuses.length === 0 ? null : this.#random.pick(statuses);
  }

  #ask(id: NodeId, operation: AdminOperation): void {
    const cluster = this.#cluster;
    const wire = new SimWire({
      server: cluster.server(id),
      network: cluster.network,
      random: this.#random,
      weather: () => cluster.weather,
    });
    wire.ask(operation, (end) => {
      const result = end.type === 'answer' ? end.result : null;
      const came = result === null ? end.type : result.type === 'error' ? result.code : 'done';
      this.#storm.saw(`${operation.type} of ${id}: ${came}`, `${operation.type} ${came}`);
    });
  }
}
