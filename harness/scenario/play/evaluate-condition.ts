import { OP_FUNCTIONS, type OpFunction } from '../../history/op.ts';
import { formatDuration } from '../../duration.ts';
import { formatSelector, type Selector } from '../../nemesis/selector.ts';
import type { ClusterState, Seen } from '../../view/cluster-state.ts';
import { compare, formatComparison, type Binding, type Comparison } from '../language/comparison.ts';
import type { Condition } from '../language/condition.ts';

/** Number of operations that ended ok so far, by function. */
export type OkCounts = Readonly<Record<OpFunction, number>>;

/** State that a condition is evaluated on. */
export interface Surroundings {
  readonly state: ClusterState;
  readonly now: number;
  readonly ok: OkCounts;
  readonly latency: { readonly p50: number | null; readonly p99: number | null };
  readonly bound: ReadonlyMap<string, Binding>;
  readonly select: (selector: Selector) => readonly string[];
  /** Windows of the faults with this name, in ms since the run began. */
  readonly windows: (name: string) => readonly { readonly from: number; readonly to: number | null }[];
}

/** State at the time when the waiting began. Progress counts from there. */
export interface Baseline {
  readonly ok: OkCounts;
  readonly maxCommit: number;
}
export const baselineOf = ({ ok, state }: Surroundings): Baseline => ({ ok, maxCommit: state.maxCommit });

/** Grace period in ms: changes this soon after the fault was confirmed may still be in-flight work. */
const SETTLING_MS = 250;

/**
 * Evaluates whether all parts of the condition hold now. The detail describes all parts, or the first one that does not
 * hold.
 */
export function evaluateCondition(spec: Condition, around: Surroundings, since: Baseline): Seen {
  const parts: Seen[] = [];
  if (spec.leader !== undefined) parts.push(evaluateLeader(spec.leader, around));
  if (spec.progress !== undefined) parts.push(evaluateProgress(spec.progress, around, since));
  if (spec.converged !== undefined) parts.push(around.state.converged(since.maxCommit));
  if (spec.latency !== undefined) parts.push(...evaluateLatency(spec.latency, around));
  if (spec.node !== undefined)
    parts.push(...around.select(spec.node).map((node) => evaluateNode(node, spec, around)));
  if (spec.node !== undefined && around.select(spec.node).length === 0)
    parts.push({ ok: false, detail: `\`${formatSelector(spec.node)}\` matches no node now` });
  return parts.find(({ ok }) => !ok) ?? { ok: true, detail: parts.map(({ detail }) => detail).join('; ') };
}

function evaluateLeader(
  spec: NonNullable<Condition['leader']>,
  { state, now, bound, select }: Surroundings,
): Seen {
  const claimants = state.claimants();
  const named = claimants.map(({ node, term }) => `${node} in term ${term}`).join(' and ') || 'no node';
  const claims = `${named} claim${claimants.length > 1 ? '' : 's'} to lead`;
  if (spec.count !== undefined && claimants.length !== spec.count) return { ok: false, detail: claims };
  if (spec.count === 0) return { ok: true, detail: claims };
  const leading = state.standing();
  if (leading === null) return { ok: false, detail: `no standing leader (${claims})` };
  const detail = `${leading.node} leads term ${leading.term}`;
  if (spec.is !== undefined && !select(spec.is).includes(leading.node)) return { ok: false, detail };
  if (spec.not !== undefined && select(spec.not).includes(leading.node)) return { ok: false, detail };
  if (spec.term !== undefined && !compare(leading.term, spec.term, bound)) {
    return { ok: false, detail: `${detail}, wanted ${formatComparison(spec.term, bound)}` };
  }
  const stoodMs = now - (state.standingSince() ?? now);
  if (spec['stable-for'] !== undefined && stoodMs < spec['stable-for']) {
    return { ok: false, detail: `${detail}, for ${formatDuration(Math.round(stoodMs))}` };
  }
  return { ok: true, detail };
}

function evaluateProgress(
  { op, ok, ops }: NonNullable<Condition['progress']>,
  around: Surroundings,
  since: Baseline,
): Seen {
  const more = (f: OpFunction): number => around.ok[f] - since.ok[f];
  const all = OP_FUNCTIONS.reduce((sum, f) => sum + more(f), 0);
  const wanted = ok ?? ops ?? 1;
  const got = op === undefined ? all : more(op);
  return {
    ok: got >= wanted,
    detail: `${got} ${op === undefined ? '' : `${op} `}operations ok (${wanted} needed)`,
  };
}

function evaluateLatency(spec: NonNullable<Condition['latency']>, { latency, bound }: Surroundings): Seen[] {
  return (['p50', 'p99'] as const).flatMap((key) => {
    const wanted = spec[key];
    if (wanted === undefined) return [];
    const seen = latency[key];
    const detail = `${key} is ${seen === null ? 'unknown' : `${seen.toFixed(1)} ms`}`;
    return [{ ok: seen !== null && compare(seen, wanted, bound), detail }];
  });
}

function evaluateNode(node: string, spec: Condition, around: Surroundings): Seen {
  const { state, bound } = around;
  const { life, status, commit } = state.node(node);
  const failed: string[] = [];
  if (spec.life !== undefined && life !== spec.life) failed.push(`${node} is ${life}`);
  if (spec.role !== undefined && (status === null || life !== 'up' || status.role !== spec.role)) {
    failed.push(`${node} is ${life === 'up' ? (status?.role ?? 'silent') : life}`);
  }
  const number = (name: string, value: number | undefined, wanted: Comparison | undefined): void => {
    if (wanted === undefined || (value !== undefined && compare(value, wanted, bound))) return;
    failed.push(`${node}'s ${name} is ${value ?? 'unknown'}, wanted ${formatComparison(wanted, bound)}`);
  };
  number('term', status?.term, spec.term);
  const index = spec['commit-index'];
  const unchanged =
    index !== undefined && 'unchangedSince' in index
      ? evaluateUnchanged(node, index.unchangedSince, around)
      : null;
  if (unchanged?.ok === false) failed.push(unchanged.detail);
  if (index !== undefined && !('unchangedSince' in index)) number('commit index', commit, index);
  if (failed.length > 0) return { ok: false, detail: failed.join('; ') };
  const seen = status === null ? '' : `, ${status.role} in term ${status.term}`;
  return unchanged ?? { ok: true, detail: `${node} is ${life}${seen}, commit index ${commit}` };
}

/** Evaluates whether the commit index of the node has not changed since the latest fault of this name took effect. */
function evaluateUnchanged(node: string, fault: string, { state, windows }: Surroundings): Seen {
  const from = windows(fault).at(-1)?.from;
  if (from === undefined) return { ok: false, detail: `${fault} has not been injected` };
  const { commit } = state.node(node);
  const was = state.commitAt(node, from + SETTLING_MS);
  return commit === was
    ? { ok: true, detail: `${node}'s commit index is still ${commit}` }
    : { ok: false, detail: `${node}'s commit index went from ${was} to ${commit} since ${fault}` };
}
