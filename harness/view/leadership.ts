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
export const MAX_CLAIMS = 64;

/** Every node that is up and says that it leads, highest term first. */
export function claimants({ nodes }: Pick<View, 'nodes'>): readonly TermLeader[] {
  return Object.values(nodes)
    .filter(({ life, status }) => life === 'up' && status?.role === 'leader')
    .map(({ id, status }) => ({ node: id, term: status!.term ?? 0 }))
    .sort((a, b) => b.term - a.term);
}

/**
 * The standing leader, or null: `top`, the node that claims to lead in the highest term, if a majority of all nodes,
 * itself included, are up, name it as leader of its term, and exchange messages with it in both directions.
 */
function standingLeader(view: Pick<View, 'nodes' | 'cuts'>, top: TermLeader | undefined): TermLeader | null {
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

/**
 * The view after a node was seen to lead a term. The same node and term count once. In a system without terms each call
 * counts, and two leaders are not reported, because they may have led one after the other.
 */
export function claimed<V extends View>(
  view: V,
  { node, term = 0 }: { readonly node: string; readonly term?: number },
): V {
  const { leadership } = view;
  const isKnown = leadership.claims.some((claim) => claim.term === term && claim.node === node);
  if (isKnown && term !== 0) return view;
  const claims = withinBound([...leadership.claims, { term, node }]);
  const rivals = term === 0 ? [] : claims.filter((claim) => claim.term === term).map((claim) => claim.node);
  const twoLeaders = leadership.twoLeaders ?? (rivals.length > 1 ? { term, nodes: rivals } : null);
  return { ...view, leadership: { ...leadership, claims, twoLeaders, elections: leadership.elections + 1 } };
}

/**
 * Drops the oldest claim whose node has made a newer one. The latest claim of each node is kept, because a leader that
 * is cut off reports the same term again and again while others are elected.
 */
function withinBound(claims: readonly TermLeader[]): readonly TermLeader[] {
  if (claims.length <= MAX_CLAIMS) return claims;
  const oldest = claims.findIndex(({ node }, i) => claims.slice(i + 1).some((later) => later.node === node));
  return claims.toSpliced(Math.max(0, oldest), 1);
}

/** The view after nodes or links have changed: the leader, the standing leader, and the time without one. */
export function followLeadership<V extends View>(view: V, t: number): V {
  const before = view.leadership;
  const [claim] = claimants(view);
  const standing = standingLeader(view, claim);
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
