import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../../harness/ports/cluster.ts';
import type { LinkCondition, LinkId, Links } from '../../harness/ports/links.ts';
import type { Random } from '../../harness/random.ts';

/** Range of the time between two faults. */
const REST_MS = [500, 4_000] as const;
/** Range of the time that a fault lasts. */
const LASTS_MS = [200, 4_000] as const;

export interface FaultsOptions {
  readonly cluster: Cluster;
  readonly links: Links;
  readonly random: Random;
  /** Node that is paused and cut off like the others but never killed, so that its memory shows leaks. */
  readonly survivor: string;
  readonly counts: Map<string, number>;
}

/**
 * Injects kills, pauses and cuts, one after the other, and heals each, until `signal` aborts. When it resolves,
 * everything is healed.
 */
export async function faults(options: FaultsOptions, signal: AbortSignal): Promise<void> {
  const { random, counts } = options;
  const kinds = Object.entries(FAULTS);
  while (!signal.aborted) {
    await delay(random.int(...REST_MS), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const [name, fault] = random.pick(kinds);
    const lasts = (): Promise<unknown> =>
      delay(random.int(...LASTS_MS), undefined, { signal }).catch(() => {});
    await fault(options, lasts);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
}

type Fault = (options: FaultsOptions, lasts: () => Promise<unknown>) => Promise<void>;

const FAULTS: Readonly<Record<string, Fault>> = {
  kills: async ({ cluster, random, survivor }, lasts) => {
    const node = random.pick(cluster.nodes.filter((id) => id !== survivor));
    await cluster.kill(node);
    await lasts();
    await cluster.start(node);
  },
  pauses: async ({ cluster, random }, lasts) => {
    const node = random.pick(cluster.nodes);
    await cluster.pause(node);
    await lasts();
    await cluster.resume(node);
  },
  isolations: async (options, lasts) => {
    const node = options.random.pick(options.cluster.nodes);
    await cut(options, ({ from, to }) => (from === node || to === node) && from !== 'clients', lasts);
  },
  'one-way cuts': async (options, lasts) => {
    const link = options.random.pick(options.links.links);
    await cut(options, ({ from, to }) => from === link.from && to === link.to, lasts);
  },
  resets: async ({ links }) => {
    await Promise.all(links.links.map((link) => links.reset(link)));
  },
};

async function cut(
  { links, random }: FaultsOptions,
  which: (link: LinkId) => boolean,
  lasts: () => Promise<unknown>,
): Promise<void> {
  const chosen = links.links.filter(which);
  const condition: LinkCondition = { cut: random.pick(['blackhole', 'refuse'] as const) };
  await Promise.all(chosen.map((link) => links.apply(link, condition)));
  await lasts();
  await Promise.all(chosen.map((link) => links.apply(link, {})));
}
