import { push, spans } from './bounded.ts';
import { LIMITS, type DashboardState, type Leadership } from './state.ts';

/** A node was seen to lead a term: who leads what is kept, since two in one term break election safety (§5.2). */
export function claimed(state: DashboardState, node: string, term: number): DashboardState {
  const { leadership } = state;
  if (leadership.claims.some((claim) => claim.term === term && claim.node === node)) return state;
  const claims = push(leadership.claims, { term, node }, LIMITS.claims);
  const rivals = claims.filter((claim) => claim.term === term).map((claim) => claim.node);
  const twoLeaders = leadership.twoLeaders ?? (rivals.length > 1 ? { term, nodes: rivals } : null);
  return { ...state, leadership: { ...leadership, claims, twoLeaders, elections: leadership.elections + 1 } };
}

/** Who leads and who stands after nodes or links have changed, and how long nobody has stood. */
export function lead(state: DashboardState, t: number): DashboardState {
  const before = state.leadership;
  const nodes = Object.values(state.nodes);
  const claim = nodes
    .filter((node) => node.life === 'up' && node.status?.role === 'leader')
    .map((node) => ({ node: node.id, term: node.status!.term }))
    .reduce<Leadership['standing']>((top, next) => (top === null || next.term > top.term ? next : top), null);
  const standing = claim !== null && supporters(state, claim) > nodes.length / 2 ? claim : null;
  const { gapSince, gapTotalMs, gapLongestMs } = before;
  const leadership: Leadership = {
    ...before,
    leader: claim?.node ?? null,
    term: claim?.term ?? before.term,
    standing,
  };
  const ending = state.phase === 'stopping' || state.phase === 'done';
  if (standing === null && before.standing !== null && !ending) {
    return {
      ...state,
      leadership: { ...leadership, gapSince: t },
      leaderGaps: spans(state.leaderGaps, true, t),
    };
  }
  if (standing === null || gapSince === null)
    return same(before, leadership) ? state : { ...state, leadership };
  const gap = t - gapSince;
  const over = { gapSince: null, gapTotalMs: gapTotalMs + gap, gapLongestMs: Math.max(gapLongestMs, gap) };
  return { ...state, leadership: { ...leadership, ...over }, leaderGaps: spans(state.leaderGaps, false, t) };
}

/** Nodes that are up, follow this leader in its term, and pass messages both ways with it. */
function supporters(
  { nodes, links }: DashboardState,
  claim: { readonly node: string; readonly term: number },
): number {
  const passes = (from: string, to: string): boolean => {
    const link = links[`${from}->${to}`];
    return link?.cut === undefined || link.pending;
  };
  return Object.values(nodes).filter(
    ({ id, life, status }) =>
      life === 'up' &&
      status?.leader === claim.node &&
      status.term === claim.term &&
      (id === claim.node || (passes(id, claim.node) && passes(claim.node, id))),
  ).length;
}

const same = (a: Leadership, b: Leadership): boolean =>
  a.leader === b.leader &&
  a.term === b.term &&
  a.standing?.node === b.standing?.node &&
  a.standing?.term === b.standing?.term;
