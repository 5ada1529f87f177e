import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeStatus } from '../../../node/protocol/client.ts';
import { NodeClient } from '../../../test/support/raft-nodes.ts';
import type { ComparedCluster, Target } from '../compared-cluster.ts';
import type { Figures } from '../figures.ts';
import { awaitLeader, generate } from '../generator.ts';
import { newCluster } from '../sides.ts';
import { OURS } from './row.ts';
import type { Bench, Row } from './row.ts';

const MINUTES = Number(process.env['MINUTES'] ?? 10);
const TIMING = { heartbeatMs: 50, electionMs: 300 } as const;
const CLIENTS = 256;
/** Period in which one follower is cut off once, in its middle and for half of it. */
const PERIOD_MS = 20_000;

/**
 * Measures the rise of the term under full load through Toxiproxy links, while the followers are cut off from their
 * peers in turns. PreVote and CheckQuorum exist so that it does not rise (dissertation 9.6).
 */
export const TERMS: Row = {
  name: 'terms',
  sides: OURS,
  once: true,
  async measure(target: Target, { programs }: Bench): Promise<Figures> {
    await using cluster = await newCluster(target, programs, { linked: true, timing: TIMING });
    cluster.startAll();
    await awaitLeader(programs, cluster);
    const before = await highestTerm(cluster);
    const ended = new AbortController();
    let cuts = Promise.resolve(0);
    const run = await generate(programs, cluster, {
      clients: CLIENTS,
      runS: MINUTES * 60,
      onBegin: () => {
        cuts = cutOffInTurns(cluster, ended.signal);
      },
    });
    ended.abort();
    const changes = (await highestTerm(cluster)) - before;
    if (changes > 0) printRoles(cluster);
    const name = `T = ${TIMING.electionMs} ms, ${MINUTES} min at full load, ${await cuts} times a follower cut off`;
    return {
      [`${name}, term changes`]: changes,
      [`${name}, puts/s`]: run.puts.count / run.seconds,
      [`${name}, worst put, ms`]: run.puts.max,
    };
  },
};

/** Prints the members' log lines about roles and stalls, to explain a risen term. */
function printRoles({ members }: ComparedCluster): void {
  for (const { id, dataFolder } of members) {
    const lines = readFileSync(join(dataFolder, '..', `${id}.log`), 'utf8').split('\n');
    for (const line of lines.filter((each) => ROLE_LINE.test(each))) console.error(line);
  }
}

const ROLE_LINE = / (?:leads|leader|follower|candidate|pre-candidate)\b/;

/** Cuts followers off in turns, and heals them. Returns how many times a follower then knew no leader. */
async function cutOffInTurns(cluster: ComparedCluster, ended: AbortSignal): Promise<number> {
  const links = cluster.links!;
  const rest = (ms: number): Promise<void> => delay(ms, undefined, { signal: ended }).catch(() => {});
  for (let turn = 0, alone = 0; ; turn++) {
    await rest(PERIOD_MS / 4);
    if (ended.aborted) return alone;
    const follower = await someFollower(cluster, turn);
    const own = links.links.filter(
      ({ from, to }) => from !== 'clients' && (from === follower || to === follower),
    );
    const cut = turn % 4 < 2 ? 'blackhole' : 'refuse';
    await Promise.all(own.map((link) => links.apply(link, { cut })));
    await rest(PERIOD_MS / 2);
    if ((await statusAt(cluster.member(follower).address)).leader === null) alone++;
    await Promise.all(own.map((link) => links.apply(link, {})));
    await rest(PERIOD_MS / 4);
  }
}

async function someFollower(cluster: ComparedCluster, turn: number): Promise<string> {
  const statuses = await statusesOf(cluster);
  const followers = statuses.filter(({ role }) => role !== 'leader');
  return followers[turn % followers.length]!.id;
}

async function highestTerm(cluster: ComparedCluster): Promise<number> {
  return Math.max(...(await statusesOf(cluster)).map(({ term }) => term));
}

const statusesOf = (cluster: ComparedCluster): Promise<NodeStatus[]> =>
  Promise.all(cluster.members.map(({ address }) => statusAt(address)));

async function statusAt(address: string): Promise<NodeStatus> {
  using client = await NodeClient.connect(Number(address.split(':')[1]));
  const answer = await client.request({ type: 'status' });
  if (answer?.type !== 'status')
    throw new Error(`${address} does not report its status: ${JSON.stringify(answer)}`);
  return JSON.parse(answer.status) as NodeStatus;
}
