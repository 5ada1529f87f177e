import { firstFrom } from '../../history/first-from.ts';
import type { Op } from '../../history/op.ts';
import type { FaultRecord } from '../../nemesis/nemesis.ts';
import type { DuringExpectation } from '../language/schema.ts';
import type { Comparison } from '../language/comparison.ts';
import type { Row } from './run-record.ts';

interface FaultWindow {
  readonly from: number;
  readonly to: number;
}

/**
 * Faults with one name. They are evaluated together, because one round of a `repeat` may be too short for an answer.
 */
interface NamedFaults {
  readonly name: string;
  /** True if a step has given the name with `as`, so that `during` can refer to it. */
  readonly named: boolean;
  readonly windows: readonly FaultWindow[];
  /** Total time for which they held, in ms. */
  readonly heldMs: number;
}

export interface OpsDuringFaults {
  /** Minimum number of operations that must end ok under the faults of each name. */
  readonly atLeast: number;
  readonly during: readonly DuringExpectation[];
  readonly faults: readonly FaultRecord[];
  /** In order of invocation. */
  readonly ops: readonly Op[];
  readonly stepsTo: number;
  /** Time in ms after which an operation should succeed even if the fault has cost the cluster its leader. */
  readonly patienceMs: number;
}

/**
 * Evaluates whether operations succeeded while the faults of each name held. For a fault that held only for a short
 * time, operations shortly after it also count, because the cluster may have lost its leader. If the run ended before
 * that, the fault is not evaluated. Faults under which the scenario expects no success (`acked-ops: 0`) are left out.
 * Returns null if there is no fault to evaluate.
 */
export function opsDuringFaults(options: OpsDuringFaults): Row | null {
  const { atLeast, during, faults, ops } = options;
  const blocking = blockedWindows(during);
  const judged = faults.filter(({ by, confirmedAt }) => by === 'scenario' && confirmedAt !== null);
  const blocked = judged.filter(({ name }) => name !== null && blocking.has(name));
  const windowsOf = (fault: FaultRecord) => windowOf(fault, options.stepsTo);
  const groups = grouped(
    judged.filter((fault) => !blocked.includes(fault)),
    windowsOf,
    (window) => lengthened(window, blocked.map(windowsOf), options.patienceMs),
  );
  if (groups.length === 0) return null;
  const name = `ops-during-faults ${atLeast}`;
  const observedTo = ops.at(-1)?.call ?? 0;
  const seen: string[] = [];
  for (const group of groups) {
    const { ok, invoked } = countWithin(group.windows, ops, atLeast);
    if (ok >= atLeast) seen.push(`${group.name}: ${ok === atLeast ? `at least ${ok}` : ok} ok`);
    else if (group.windows.every(({ to }) => to <= observedTo) || group.heldMs >= options.patienceMs)
      return { name, status: 'fail', detail: tooFew(group, ok, invoked) };
    else
      seen.push(
        `${group.name}: held for ${seconds(group.heldMs)}, too short before the end of the run to be judged`,
      );
  }
  return { name, status: 'pass', detail: seen.join('; ') };
}

function tooFew({ name, named, heldMs }: NamedFaults, ok: number, invoked: number): string {
  const how = ok === 0 ? 'no operation' : `only ${ok} operation${ok === 1 ? '' : 's'}`;
  const mend = named
    ? `\`during: [{ window: ${name}, acked-ops: 0 }]\``
    : '`not-vacuous: { ops-during-faults: 0 }`';
  return (
    `${how} succeeded while ${name} held (${seconds(heldMs)}; ${invoked} invoked), ` +
    `so the run shows little about the cluster under this fault; if none should succeed, say so: ${mend}`
  );
}

/** Names of faults under which the scenario expects that no operation succeeds at any node. */
function blockedWindows(during: readonly DuringExpectation[]): ReadonlySet<string> {
  const clusterWide = during.filter(({ node }) => node === null);
  const zero = (window: string, figure: 'acked-ops' | 'acked-reads' | 'acked-writes'): boolean =>
    clusterWide.some(({ window: other, wanted }) => other === window && isZero(wanted[figure]));
  const names = clusterWide.map(({ window }) => window);
  return new Set(
    names.filter(
      (name) => zero(name, 'acked-ops') || (zero(name, 'acked-reads') && zero(name, 'acked-writes')),
    ),
  );
}

const isZero = (wanted: Comparison | undefined): boolean =>
  wanted !== undefined &&
  ((wanted.value === 0 && (wanted.operator === '=' || wanted.operator === '<=')) ||
    (wanted.value === 1 && wanted.operator === '<'));

const windowOf = ({ confirmedAt, healingAt }: FaultRecord, stepsTo: number): FaultWindow => ({
  from: confirmedAt!,
  to: Math.max(confirmedAt!, healingAt ?? stepsTo),
});

function grouped(
  faults: readonly FaultRecord[],
  windowsOf: (fault: FaultRecord) => FaultWindow,
  lengthen: (window: FaultWindow) => FaultWindow,
): readonly NamedFaults[] {
  const byName = Map.groupBy(faults, ({ name, verb }) => name ?? verb);
  return [...byName].map(([name, group]) => {
    const held = group.map(windowsOf);
    return {
      name,
      named: group.some((fault) => fault.name !== null),
      windows: held.map(lengthen),
      heldMs: held.reduce((sum, { from, to }) => sum + to - from, 0),
    };
  });
}

/** Makes the window longer, until it contains `patienceMs` in which no other fault blocks all operations. */
function lengthened(
  { from, to }: FaultWindow,
  blocked: readonly FaultWindow[],
  patienceMs: number,
): FaultWindow {
  const covered = blocked.reduce(
    (sum, other) => sum + Math.max(0, Math.min(to, other.to) - Math.max(from, other.from)),
    0,
  );
  return { from, to: to + Math.max(0, patienceMs - (to - from - covered)) };
}

/**
 * Counts the operations that were invoked inside the windows, and those that also ended ok there. Stops at `enough` of
 * the latter.
 */
function countWithin(
  windows: readonly FaultWindow[],
  ops: readonly Op[],
  enough: number,
): { readonly ok: number; readonly invoked: number } {
  let ok = 0;
  let invoked = 0;
  for (const { from, to } of windows) {
    for (let i = firstFrom(ops, from); i < ops.length && ops[i]!.call <= to && ok < enough; i++) {
      invoked++;
      if (ops[i]!.outcome === 'ok' && ops[i]!.return <= to) ok++;
    }
  }
  return { ok, invoked };
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
