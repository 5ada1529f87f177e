import { z } from 'zod';
import type { OpFunction } from '../../history/op.ts';
import type { ClusterState, Seen } from '../../view/cluster-state.ts';
import { selector, strict } from '../../nemesis/fields.ts';
import { duration, formatDuration } from '../../nemesis/quantity.ts';
import type { Selector } from '../../nemesis/selector.ts';
import {
  comparison,
  compare,
  durationComparison,
  formatComparison,
  type Binding,
  type Comparison,
} from './comparison.ts';

const FUNCTIONS = ['read', 'write', 'cas', 'delete', 'append'] as const satisfies readonly OpFunction[];
const count = z.int('expected a whole number').min(0, 'a count is not negative');

const UNCHANGED = /^unchanged-since\(([a-z][a-z0-9-]*)\)$/;
const unchangedSince = z
  .string()
  .regex(UNCHANGED, 'expected `unchanged-since(a-fault)`, or a comparison such as `> 10`')
  .transform((text) => ({ unchangedSince: UNCHANGED.exec(text)![1]! }));

const within = duration.optional().meta({ description: 'only in `steady`: how long it may take' });

const leader = strict({
  count: count.optional().meta({ description: 'how many nodes claim to lead' }),
  'stable-for': duration.optional().meta({ description: 'the same leader has stood that long' }),
  is: selector.optional(),
  not: selector.optional(),
  term: comparison.optional(),
  within,
});
const progress = strict({
  op: z.enum(FUNCTIONS).optional(),
  ok: count.optional().meta({ description: 'so many more operations of that kind ended ok' }),
  ops: count.optional().meta({ description: 'so many more operations ended ok' }),
  within,
});
export const conditionFields = {
  leader: leader.optional(),
  progress: progress.optional(),
  converged: z
    .literal(true, 'expected `true`')
    .optional()
    .meta({ description: 'all nodes up, one term, one leader, all caught up' }),
  latency: strict({ p50: durationComparison.optional(), p99: durationComparison.optional() }).optional(),
  node: selector.optional().meta({ description: 'whom the next four are about' }),
  'commit-index': z.union([unchangedSince, comparison]).optional(),
  role: z.enum(['follower', 'pre-candidate', 'candidate', 'leader']).optional(),
  life: z.enum(['up', 'paused', 'down']).optional(),
  term: comparison.optional(),
} as const;

/** What a `wait`, a `check` or the steady state looks for; all that is given must hold at once. */
const conditionMap = strict(conditionFields);
export type Condition = z.output<typeof conditionMap>;
export const condition = conditionMap.superRefine((spec, context) => {
  checkCondition(spec, context);
  if (spec.leader?.within === undefined && spec.progress?.within === undefined) return;
  context.addIssue({ code: 'custom', message: '`within` does not belong in here | put it beside `until`' });
});

/** Rules over a condition's fields, for the schemas that contain them. */
export function checkCondition(spec: Condition, context: z.RefinementCtx): void {
  const about = (['commit-index', 'role', 'life', 'term'] as const).filter((key) => spec[key] !== undefined);
  const fail = (message: string): void => context.addIssue({ code: 'custom', message });
  if (about.length > 0 && spec.node === undefined) fail(`\`${about[0]}\` of which node? | add \`node: …\``);
  if (about.length === 0 && spec.node !== undefined)
    fail('what about the node? | add `commit-index`, `role`, `life` or `term`');
  const others = [spec.leader, spec.progress, spec.converged, spec.latency];
  if (about.length === 0 && spec.node === undefined && others.every((part) => part === undefined)) {
    fail(
      'nothing to look for | give `leader`, `progress`, `converged`, `latency`, or `node` with what it should be',
    );
  }
}

/** Sum of operations that ended ok so far, by function. */
export type OkCounts = Readonly<Record<OpFunction, number>>;

/** What a condition is judged on. */
export interface Surroundings {
  readonly state: ClusterState;
  readonly now: number;
  readonly ok: OkCounts;
  readonly latency: { readonly p50: number | null; readonly p99: number | null };
  readonly bound: ReadonlyMap<string, Binding>;
  readonly select: (selector: Selector) => readonly string[];
  /** The windows of a fault's name. */
  windows(name: string): readonly { readonly from: number; readonly to: number | null }[];
}

/** How things were when the waiting began: progress counts from there. */
export interface Baseline {
  readonly ok: OkCounts;
  readonly maxCommit: number;
}
export const baselineOf = ({ ok, state }: Surroundings): Baseline => ({ ok, maxCommit: state.maxCommit });

/**
 * What is inside a node or its sockets when a fault is confirmed may still be worked off: so long, a change
 * does not count.
 */
const SETTLING_MS = 250;

/** Whether all of it holds now, and what was seen: of what holds, or of the first part that does not. */
export function judge(spec: Condition, around: Surroundings, since: Baseline): Seen {
  const parts: Seen[] = [];
  if (spec.leader !== undefined) parts.push(judgeLeader(spec.leader, around));
  if (spec.progress !== undefined) parts.push(judgeProgress(spec.progress, around, since));
  if (spec.converged !== undefined) parts.push(around.state.converged(since.maxCommit));
  if (spec.latency !== undefined) parts.push(...judgeLatency(spec.latency, around));
  if (spec.node !== undefined)
    parts.push(...around.select(spec.node).map((node) => judgeNode(node, spec, around)));
  if (spec.node !== undefined && around.select(spec.node).length === 0)
    parts.push({ ok: false, detail: 'no such node now' });
  return parts.find(({ ok }) => !ok) ?? { ok: true, detail: parts.map(({ detail }) => detail).join('; ') };
}

function judgeLeader(spec: z.output<typeof leader>, { state, now, bound, select }: Surroundings): Seen {
  const claimants = state.claimants();
  const claims = claimants.map(({ node, term }) => `${node} in term ${term}`).join(' and ') || 'nobody';
  if (spec.count !== undefined && claimants.length !== spec.count)
    return { ok: false, detail: `${claims} claims to lead` };
  if (spec.count === 0) return { ok: true, detail: 'nobody claims to lead' };
  const leading = state.standing();
  if (leading === null) return { ok: false, detail: `no leader stands (${claims} claims to lead)` };
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

function judgeProgress(
  { op, ok, ops }: z.output<typeof progress>,
  around: Surroundings,
  since: Baseline,
): Seen {
  const more = (f: OpFunction): number => around.ok[f] - since.ok[f];
  const all = FUNCTIONS.reduce((sum, f) => sum + more(f), 0);
  const wanted = ok ?? ops ?? 1;
  const got = op === undefined ? all : more(op);
  return { ok: got >= wanted, detail: `${got} of ${wanted} ${op ?? 'operation'}s ok` };
}

function judgeLatency(spec: NonNullable<Condition['latency']>, { latency, bound }: Surroundings): Seen[] {
  return (['p50', 'p99'] as const).flatMap((key) => {
    const wanted = spec[key];
    if (wanted === undefined) return [];
    const seen = latency[key];
    const detail = `${key} is ${seen === null ? 'unknown' : `${seen.toFixed(1)} ms`}`;
    return [{ ok: seen !== null && compare(seen, wanted, bound), detail }];
  });
}

function judgeNode(node: string, spec: Condition, around: Surroundings): Seen {
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
  if (index !== undefined && 'unchangedSince' in index) {
    const from = around.windows(index.unchangedSince).at(-1)?.from;
    const was = from === undefined ? 0 : state.commitAt(node, from + SETTLING_MS);
    const detail = `${node}'s commit index went from ${was} to ${commit} since ${index.unchangedSince}`;
    if (from === undefined || commit !== was)
      failed.push(from === undefined ? `${index.unchangedSince} has not been injected` : detail);
    else
      return failed.length > 0
        ? { ok: false, detail: failed.join('; ') }
        : { ok: true, detail: `${node}'s commit index is still ${commit}` };
  } else number('commit index', commit, index);
  if (failed.length > 0) return { ok: false, detail: failed.join('; ') };
  return {
    ok: true,
    detail: `${node} is ${life}${status === null ? '' : `, ${status.role} in term ${status.term}`}, commit index ${commit}`,
  };
}
