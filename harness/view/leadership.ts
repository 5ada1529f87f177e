import { pushBounded } from './bounded.ts';
import type { Leadership, NodeState, TermLeader, View } from './model.ts';

export const NO_LEADERSHIP: Leadership = {
  leader: null,
  term: 0,
  standing: null,
  standingSince: null,
  claims: [],
  twoLeaders: null,
  elections: 0,
  gapSince: null,
  gapTotalMs: 0,
  gapLongestMs: 0,
};

/** Maximum number of claims that are kept: two leaders of one term are seen within a few elections. */
const MAX_CLAIMS = 64;

/** Every node that is up and says that it leads, highest term first. */
export function claimants({ nodes }: Pick<View, 'nodes'>): readonly TermLeader[] {
  return Object.values(nodes)
    .filter(({ life, status }) => life === 'up' && status?.role === 'leader')
    .map(({ id, status }) => ({ node: id, term: status!.term ?? 0 }))
    .sort((a, b) => b.term - a.term);
}

/**
 * The standing leader, or null: the node that claims to lead in the highest term, if a majority of all nodes, itself
 * included, are up, name it as leader of its term, and exchange messages with it in both directions.
 */
export function standingLeader(view: Pick<View, 'nodes' | 'cuts'>): TermLeader | null {
  const [top] = claimants(view);
  if (top === undefined) return null;
  const nodes = Object.values(view.nodes);
  const followers = nodes.filter((node) => follows(node, top) && meet(view, node.id, top.node));
  return followers.length > nodes.length / 2 ? top : null;
}

const follows = ({ life, status }: NodeState, { node, term }: TermLeader): boolean =>
  life === 'up' && status?.leader === node && (status.term ?? 0) === term;

/** True if messages pass between the two nodes in both directions. */
const meet = ({ cuts }: Pick<View, 'cuts'>, a: string, b: string): boolean =>
  !cuts.has(`${a}->${b}`) && !cuts.has(`${b}->${a}`);

/** The view after a node was seen to lead a term. The same node and term count once. */
export function claimed<V extends View>(
  view: V,
  { node, term = 0 }: { readonly node: string; readonly term?: number },
): V {
  const { leadership } = view;
  if (leadership.claims.some((claim) => claim.term === term && claim.node === node)) return view;
  const claims = pushBounded(leadership.claims, { term, node }, MAX_CLAIMS);
  const rivals = claims.filter((claim) => claim.term === term).map((claim) => claim.node);
  const twoLeaders = leadership.twoLeaders ?? (rivals.length > 1 ? { term, nodes: rivals } : null);
  return { ...view, leadership: { ...leadership, claims, twoLeaders, elections: leadership.elections + 1 } };
}

/** The view after nodes or links have changed: the leader, the standing leader, and the time without one. */
export function followLeadership<V extends View>(view: V, t: number): V {
  const before = view.leadership;
  const [claim] = claimants(view);
  const standing = standingLeader(view);
  const leader = claim?.node ?? null;
  const term = claim?.term ?? before.term;
  if (sameLeader(standing, before.standing)) {
    if (leader === before.leader && term === before.term) return view;
    return { ...view, leadership: { ...before, leader, term } };
  }
  const { gapSince, gapTotalMs, gapLongestMs } = before;
  if (standing === null) {
    // The nodes are being stopped, so the end of their leadership is not a gap.
    const ending = view.phase === 'stopping' || view.phase === 'done';
    const lost = { leader, term, standing, standingSince: null, gapSince: ending ? null : t };
    return { ...view, leadership: { ...before, ...lost } };
  }
  const gapMs = gapSince === null ? 0 : t - gapSince;
  const found = { leader, term, standing, standingSince: t, gapSince: null };
  const gaps = { gapTotalMs: gapTotalMs + gapMs, gapLongestMs: Math.max(gapLongestMs, gapMs) };
  return { ...view, leadership: { ...before, ...found, ...gaps } };
}

const sameLeader = (a: TermLeader | null, b: TermLeader | null): boolean =>
  a?.node === b?.node && a?.term === b?.term;
