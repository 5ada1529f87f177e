import type { Links, LinkTraffic } from '../ports/links.ts';
import { linkName } from '../ports/links.ts';
import type { ClusterState } from '../view/cluster-state.ts';

/** Observations of the cluster and the links at one moment. */
export interface Snapshot {
  readonly t: number;
  /** Traffic by link name; empty if the server does not count it or did not answer. */
  readonly traffic: ReadonlyMap<string, LinkTraffic>;
  readonly nodes: ReadonlyMap<string, NodeSnapshot>;
  readonly leader: string | null;
  /** Median latency of the ok operations in the latest window that has some, in ms. */
  readonly p50: number | null;
  readonly okOps: number;
}

interface NodeSnapshot {
  readonly life: string;
  readonly pid: number | null;
  readonly commit: number;
  readonly changes: number;
  readonly reports: number;
  readonly starts: number;
}

/** The latest figures of the load; the runner keeps them up to date. */
export interface LoadView {
  p50: number | null;
  okOps: number;
}

/** Snapshots at three moments of a fault: just before it, just before its healing, and after its healing. */
export interface FaultSnapshots {
  readonly before: Snapshot;
  readonly during: Snapshot;
  readonly after: Snapshot;
}

export async function takeSnapshot(
  t: number,
  state: ClusterState,
  links: Links,
  load: LoadView,
): Promise<Snapshot> {
  // If the server does not answer, the fault has no evidence, because a failure to collect it must not end a run.
  const traffic = await links.traffic().catch(() => []);
  return {
    t,
    traffic: new Map(traffic.map((entry) => [linkName(entry.link), entry])),
    nodes: new Map(
      state.ids.map((id) => {
        const { life, pid, commit, changes, reports, starts } = state.node(id);
        return [id, { life, pid, commit, changes, reports, starts }];
      }),
    ),
    leader: state.claimants()[0]?.node ?? null,
    p50: load.p50,
    okOps: load.okOps,
  };
}

/**
 * Bytes that arrived at the links and never left them. They are counted after the healing: Toxiproxy updates its
 * counters when a connection closes, and the end of a black hole closes connections.
 */
export function droppedBytes({ before, after }: FaultSnapshots, links: readonly string[]): string | null {
  const lost = (snapshot: Snapshot, link: string): number => {
    const traffic = snapshot.traffic.get(link);
    return traffic === undefined ? 0 : traffic.receivedBytes - traffic.sentBytes;
  };
  const dropped = links
    .map((link) => ({ link, bytes: lost(after, link) - lost(before, link) }))
    .filter(({ bytes }) => bytes > 0);
  if (dropped.length === 0) return null;
  const total = dropped.reduce((sum, { bytes }) => sum + bytes, 0);
  return `${total} bytes reached ${dropped.map(({ link }) => link).join(', ')} and were not delivered`;
}

/** Bytes that crossed the links between the first and the last snapshot. */
export function crossedBytes({ before, after }: FaultSnapshots, links: readonly string[]): string | null {
  const crossed = links.filter(
    (link) => (after.traffic.get(link)?.sentBytes ?? 0) > (before.traffic.get(link)?.sentBytes ?? 0),
  );
  return crossed.length === 0 ? null : `traffic crossed ${crossed.join(', ')} in that state`;
}

/** Nodes whose role, term or known leader changed while the fault was in effect. */
export function roleChange({ before, during }: FaultSnapshots, nodes: readonly string[]): string | null {
  const changed = nodes.filter((node) => during.nodes.get(node)!.changes > before.nodes.get(node)!.changes);
  if (changed.length === 0) return null;
  return `role, term or leader changed on ${changed.join(', ')}`;
}

/** Minimum number of entries that another node must have committed more for a node to count as stalled. */
const STALL_ENTRIES = 10;

/** Nodes whose commit index advanced less than that of others, or not at all. */
export function commitStall({ before, during }: FaultSnapshots, nodes: readonly string[]): string | null {
  const growth = (node: string): number => during.nodes.get(node)!.commit - before.nodes.get(node)!.commit;
  const most = Math.max(...[...during.nodes.keys()].map(growth));
  const stalled = nodes.filter((node) => most - growth(node) >= STALL_ENTRIES);
  if (stalled.length === 0) return null;
  return stalled
    .map((node) => `${node} committed ${growth(node)} of ${most} entries that others did`)
    .join(', ');
}

/** Minimum rise of the median latency that shows an added delay, as a share of this delay. */
const SLOWER_SHARE = 0.25;

/** The median latency that clients saw rose by at least a quarter of `addedMs`. */
export function slowerOps({ before, during }: FaultSnapshots, addedMs: number): string | null {
  if (before.p50 === null || during.p50 === null || during.p50 - before.p50 < addedMs * SLOWER_SHARE)
    return null;
  return `median latency went from ${before.p50.toFixed(1)} ms to ${during.p50.toFixed(1)} ms`;
}

/**
 * Links that must have carried messages: those between the leader and a follower whose commit index advanced, and those
 * from the clients to a node if operations were answered.
 */
export function usedLinks({ before, during }: FaultSnapshots, links: readonly string[]): string | null {
  const advanced = (node: string): boolean => during.nodes.get(node)!.commit > before.nodes.get(node)!.commit;
  const used = links.filter((link) => {
    const [from, to] = link.split('->') as [string, string];
    if (from === 'clients')
      return during.okOps > before.okOps && to === during.leader && to === before.leader;
    if (before.leader === null || before.leader !== during.leader) return false;
    return (from === before.leader && advanced(to)) || (to === before.leader && advanced(from));
  });
  return used.length === 0 ? null : `messages crossed ${used.join(', ')} in that state`;
}
