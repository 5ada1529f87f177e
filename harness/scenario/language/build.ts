import { perFunction } from '../../history/op.ts';
import { FAULTS } from '../../nemesis/registry.ts';
import { NODE_ID } from '../../names.ts';
import type { WorkloadPlan } from '../../ports/workload.ts';
import { steadyWithin, type RawExpect, type RawFile } from './file-schema.ts';
import type { Path, Places } from './position.ts';
import { DEFAULT_TIMING } from './raft-timing.ts';
import {
  DURING_FIGURES,
  type DuringFigure,
  type Expectations,
  type HealStep,
  type Known,
  type Scenario,
  type SteadyCondition,
  type Step,
} from './schema.ts';
import { inWords, noWords, problemsOf } from './problem.ts';
import { checkStepReferences } from './references.ts';
import { MODIFIERS, VERBS, type Modifier } from './step-keys.ts';
import { HEAL_ALL, rawStep, type RawStep } from './step-schema.ts';
import type { Comparison } from './comparison.ts';

type Source = Readonly<Record<string, unknown>>;
type LineOf = (path: Path) => number;

const DEFAULT_MIX: WorkloadPlan['mix'] = { read: 0.5, write: 0.35, cas: 0.15, delete: 0, append: 0 };
const DEFAULT_CHECK_LIMIT_MS = 60_000;
const DEFAULT_STEADY: readonly SteadyCondition[] = [
  {
    condition: { leader: { count: 1, 'stable-for': 500 } },
    withinMs: 5_000,
    line: 0,
    text: 'one leader, stable for 500ms',
  },
  { condition: { progress: { ops: 100 } }, withinMs: 5_000, line: 0, text: '100 operations ok' },
];

/** Makes the scenario of a file without mistakes: defaults are filled in, and steps are a tree with line numbers. */
export function buildScenario(file: RawFile, source: Source, path: string, places: Places): Scenario {
  const { 'election-timeout': timeout, heartbeat = DEFAULT_TIMING.heartbeatMs } = file.cluster.raft ?? {};
  const { min, max } = timeout ?? DEFAULT_TIMING.electionTimeoutMs;
  const { clients, rate, keys, mix, timeout: patience, routing } = file.workload;
  const lineOf: LineOf = (at) => places.lineOf(at);
  const steps = toSteps(file.steps, source['steps'] as readonly Source[], ['steps'], lineOf);
  return {
    name: file.name,
    path,
    seed: file.seed ?? null,
    cluster: {
      nodes: file.cluster.nodes,
      system: file.cluster.system,
      electionTimeoutMs: [min, max],
      heartbeatMs: heartbeat,
    },
    workload: {
      clients,
      ratePerSecond: rate === 'max' ? null : (rate ?? 300),
      keys: keys.count,
      skew: keys.skew,
      mix: mix === undefined ? DEFAULT_MIX : { ...perFunction(0), ...definite(mix) },
      timeoutMs: patience ?? 1_000,
      routing,
    },
    steady:
      file.steady === undefined
        ? DEFAULT_STEADY
        : buildSteady(file.steady, source['steady'] as readonly Source[], lineOf),
    steps,
    expect: buildExpectations(file.expect ?? {}, lineOf),
    outline: steps.map(({ text, line }) => ({ text, line })),
    source,
  };
}

function buildSteady(
  steady: NonNullable<RawFile['steady']>,
  source: readonly Source[],
  lineOf: LineOf,
): SteadyCondition[] {
  return steady.map((entry, i) => {
    const { within: _beside, ...condition } = entry;
    return {
      condition,
      withinMs: steadyWithin(entry)[0]!,
      line: lineOf(['steady', i]),
      text: words(source[i]),
    };
  });
}

/** Either the step, or everything that is wrong with it. */
export type BuiltStep =
  | { readonly ok: true; readonly step: Step }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Makes a step of a plain object, with the checks that a step of a file gets. Its line is 0. */
export function buildStep(raw: Source, known: Known): BuiltStep {
  const parsed = rawStep.safeParse(raw, { error: noWords });
  const problems = [
    ...(parsed.success ? [] : problemsOf(parsed.error.issues, raw)),
    ...checkStepReferences(raw, known),
  ].map((problem) => {
    const { message, hint } = inWords(problem);
    return hint === null ? message : `${message} (${hint})`;
  });
  if (!parsed.success || problems.length > 0) return { ok: false, problems: [...new Set(problems)] };
  return { ok: true, step: toStep(parsed.data, raw, [], () => 0) };
}

function toSteps(steps: readonly RawStep[], source: readonly Source[], path: Path, lineOf: LineOf): Step[] {
  return steps.map((step, i) => toStep(step, source[i]!, [...path, i], lineOf));
}

function toStep(raw: RawStep, source: Source, path: Path, lineOf: LineOf): Step {
  const base = { line: lineOf(path), text: describeStep(source), source, atMs: raw.at ?? null };
  const by = raw.by ?? 'scenario';
  if (raw.heal !== undefined) {
    const what = buildHeal(raw.heal);
    return { ...base, kind: 'heal', what, by };
  }
  if (raw.wait !== undefined) {
    const { for: forMs, until, within } = raw.wait;
    return {
      ...base,
      kind: 'wait',
      what: forMs === undefined ? { until: until!, withinMs: within! } : { forMs },
    };
  }
  if (raw.check !== undefined) return { ...base, kind: 'check', condition: raw.check };
  if (raw.note !== undefined) return { ...base, kind: 'note', note: raw.note };
  if (raw.parallel !== undefined) {
    const sources = source['parallel'] as readonly (Source | readonly Source[])[];
    const branches = raw.parallel.map((branch, i) => {
      const inner = [...path, 'parallel', i];
      return Array.isArray(branch)
        ? toSteps(branch as readonly RawStep[], sources[i] as readonly Source[], inner, lineOf)
        : [toStep(branch as RawStep, sources[i] as Source, inner, lineOf)];
    });
    return { ...base, kind: 'parallel', branches };
  }
  if (raw.repeat !== undefined) {
    const { times, for: forMs, steps } = raw.repeat;
    const inner = (source['repeat'] as { readonly steps: readonly Source[] }).steps;
    const body = toSteps(steps, inner, [...path, 'repeat', 'steps'], lineOf);
    return { ...base, kind: 'repeat', times: times ?? null, forMs: forMs ?? null, steps: body };
  }
  const verb = Object.keys(raw).find((key) => FAULTS.has(key) && raw[key] !== undefined)!;
  return {
    ...base,
    kind: 'fault',
    verb,
    spec: raw[verb],
    forMs: raw.for ?? null,
    as: raw.as ?? null,
    bind: raw.bind ?? null,
    onEmpty: raw['on-empty'] ?? 'fail',
    by,
    resolved: raw.resolved ?? [],
  };
}

function buildHeal(heal: NonNullable<RawStep['heal']>): HealStep['what'] {
  if (heal === HEAL_ALL) return 'all';
  if (typeof heal !== 'string') return Array.isArray(heal) ? { names: heal } : heal;
  return NODE_ID.test(heal) ? { node: { type: 'node', id: heal } } : { names: [heal] };
}

function buildExpectations(expect: RawExpect, lineOf: LineOf): Expectations {
  const { always = {}, during = [], recovery = {}, 'not-vacuous': notVacuous = {} } = expect;
  const { linearizable = true, invariants = 'all' } = always;
  return {
    always: {
      linearizableMs:
        linearizable === false ? null : linearizable === true ? DEFAULT_CHECK_LIMIT_MS : linearizable.limit,
      invariants: invariants === 'none' ? [] : invariants,
      line: expect.always === undefined ? 0 : lineOf(['expect', 'always']),
    },
    during: during.map(({ window, node, ...figures }, i) => ({
      window,
      node: node ?? null,
      wanted: definite(Object.fromEntries(DURING_FIGURES.map((key) => [key, figures[key]]))) as Partial<
        Record<DuringFigure, Comparison>
      >,
      line: lineOf(['expect', 'during', i]),
    })),
    recovery: {
      leaderWithinMs: recovery['leader-within'] ?? null,
      caughtUpWithinMs: recovery['caught-up-within'] ?? null,
      writesWithinMs: recovery['writes-within'] ?? null,
      line: expect.recovery === undefined ? 0 : lineOf(['expect', 'recovery']),
    },
    notVacuous: {
      ops: notVacuous.ops ?? 1,
      opsDuringFaults: notVacuous['ops-during-faults'] ?? 1,
      faultsObserved: notVacuous['faults-observed'] ?? null,
      elections: notVacuous.elections ?? null,
      line: expect['not-vacuous'] === undefined ? 0 : lineOf(['expect', 'not-vacuous']),
    },
  };
}

/** Removes entries that are undefined. */
function definite<T>(record: Readonly<Record<string, T | undefined>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record).filter((entry): entry is [string, T] => entry[1] !== undefined),
  );
}

/** `partition isolate leader as cut`: the verb first, no braces. */
export function describeStep(source: Source): string {
  const verb = Object.keys(source).find((key) => VERBS.includes(key)) ?? '';
  const spec = source[verb];
  if (verb === 'repeat') {
    const { times, for: time, steps } = spec as { times?: number; for?: string; steps: readonly unknown[] };
    const howOften = times === undefined ? `for ${time}` : counted(times, 'time');
    return `repeat ${howOften}: ${counted(steps.length, 'step')}`;
  }
  if (verb === 'parallel') return `parallel: ${counted((spec as readonly unknown[]).length, 'branch')}`;
  const rest = Object.entries<Modifier>(MODIFIERS)
    .filter(([key, { shown }]) => shown === true && source[key] !== undefined)
    .map(([key]) => `${key} ${words(source[key])}`);
  return [verb, words(spec), ...rest].join(' ').trim();
}

/** `1 step`, `2 steps`; `2 branches`. */
export const counted = (count: number, noun: 'time' | 'step' | 'branch'): string =>
  `${count} ${noun}${count === 1 ? '' : noun === 'branch' ? 'es' : 's'}`;

/** Writes data as a phrase: `until leader not $old, term > $old.term within 3s`. */
function words(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(words).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first![1] === true) return first![0];
  return entries.map(([key, inner]) => (key === 'node' ? words(inner) : `${key} ${words(inner)}`)).join(', ');
}
