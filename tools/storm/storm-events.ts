import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../harness/random.ts';
import type { ClientOperation, ClientResponse } from '../../node/protocol/client.ts';
import type { StormNodes } from './storm-nodes.ts';

/** Range of the time between two events. */
const REST_MS = [30, 500] as const;
/** Range of the time for which a killed node stays down. */
const DOWN_MS = [0, 600] as const;
const ANSWER_WITHIN_MS = 5_000;
/** Share of the events that hand over leadership instead of killing nodes. */
const TRANSFER_SHARE = 0.25;
/** Shares of the kills that hit all nodes at once, and two nodes at once. */
const KILL_ALL_SHARE = 0.06;
const KILL_TWO_SHARE = 0.2;
/** Probability that the victim of a single kill is the leader, rather than a random node. */
const LEADER_SHARE = 0.5;

/**
 * Kills nodes and hands over leadership, one event after the other, until `signal` aborts. When it resolves, every
 * killed node is up again.
 */
export async function stormEvents(nodes: StormNodes, random: Random, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(random.int(...REST_MS), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const targets = nodes.up;
    if (targets.length === 0) continue;
    const dice = random.float();
    if (dice < TRANSFER_SHARE) {
      await handOver(nodes, random.pick(targets));
      continue;
    }
    const killDice = (dice - TRANSFER_SHARE) / (1 - TRANSFER_SHARE);
    await killSome(nodes, victims(nodes, targets, random, killDice), random);
  }
}

function victims(
  nodes: StormNodes,
  targets: readonly string[],
  random: Random,
  dice: number,
): readonly string[] {
  if (dice < KILL_ALL_SHARE) return targets;
  const { leader } = nodes;
  const first =
    leader !== null && targets.includes(leader) && random.float() < LEADER_SHARE
      ? leader
      : random.pick(targets);
  if (dice >= KILL_ALL_SHARE + KILL_TWO_SHARE) return [first];
  return [...new Set([first, random.pick(targets)])];
}

async function killSome(nodes: StormNodes, ids: readonly string[], random: Random): Promise<void> {
  await Promise.all(
    ids.map((id) => {
      const downMs = random.int(...DOWN_MS);
      return nodes.exclusively(id, async () => {
        // The operator may have removed and stopped it meanwhile.
        if (!nodes.up.includes(id)) return;
        nodes.count('kills');
        await nodes.kill(id);
        await delay(downMs);
        await nodes.start(id);
      });
    }),
  );
}

async function handOver(nodes: StormNodes, target: string): Promise<void> {
  const { leader } = nodes;
  if (leader === null || leader === target) return;
  const answer = await askNode(nodes, leader, { type: 'transfer-leadership', target });
  if (answer?.type === 'done') nodes.count('transfers');
}

/** Sends one request to one node. Null: there was no answer within 5 s, or the connection broke. */
export async function askNode(
  nodes: StormNodes,
  id: string,
  operation: ClientOperation,
): Promise<ClientResponse | null> {
  const client = await nodes.client(id).catch(() => null);
  if (client === null) return null;
  const late = setTimeout(() => client[Symbol.dispose](), ANSWER_WITHIN_MS);
  try {
    return await client.request(operation);
  } finally {
    clearTimeout(late);
    client[Symbol.dispose]();
  }
}
