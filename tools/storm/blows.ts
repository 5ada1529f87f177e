import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../harness/random.ts';
import type { ClientOperation, ClientResponse } from '../../node/protocol/client.ts';
import type { StormNodes } from './nodes.ts';

/** Between two blows, and for how long a killed node stays away, ms. */
const REST_MS = [30, 500] as const;
const AWAY_MS = [0, 600] as const;
const ANSWER_WITHIN_MS = 5_000;
/** How often all nodes die at once, two of them, or none does and the lead is handed over. */
const ALL_DIE = 0.06;
const TWO_DIE = 0.2;
const TRANSFER = 0.25;
const AT_THE_LEADER = 0.5;

/**
 * Kills and transfers, one after the other, until `signal` aborts; every node that was killed is up again when it
 * resolves.
 */
export async function blows(nodes: StormNodes, random: Random, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(random.int(...REST_MS), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const targets = nodes.up;
    if (targets.length === 0) continue;
    const dice = random.float();
    if (dice < TRANSFER) await handOver(nodes, random.pick(targets));
    else await killSome(nodes, victims(nodes, targets, random, (dice - TRANSFER) / (1 - TRANSFER)), random);
  }
}

function victims(
  nodes: StormNodes,
  targets: readonly string[],
  random: Random,
  dice: number,
): readonly string[] {
  if (dice < ALL_DIE) return targets;
  const { leader } = nodes;
  const first =
    leader !== null && targets.includes(leader) && random.float() < AT_THE_LEADER
      ? leader
      : random.pick(targets);
  if (dice >= ALL_DIE + TWO_DIE) return [first];
  return [...new Set([first, random.pick(targets)])];
}

async function killSome(nodes: StormNodes, ids: readonly string[], random: Random): Promise<void> {
  await Promise.all(
    ids.map((id) => {
      const awayMs = random.int(...AWAY_MS);
      return nodes.alone(id, async () => {
        // It may have been taken out meanwhile.
        if (!nodes.up.includes(id)) return;
        nodes.count('kills');
        await nodes.kill(id);
        await delay(awayMs);
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

/** One request of one node; null: no answer within 5 s, or the connection broke. */
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
