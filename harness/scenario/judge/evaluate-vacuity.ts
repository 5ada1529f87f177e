import type { FaultRecord } from '../../nemesis/nemesis.ts';
import type { ExpectationResult } from '../../result.ts';
import type { Scenario, Step } from '../language/schema.ts';
import { opsDuringFaults } from './ops-during-faults.ts';
import { cutShort, type Row, type RunRecord } from './run-record.ts';

/**
 * `not-vacuous`: whether the run was meaningful. By default it expects that operations succeed, also under the faults
 * of the scenario, and that each of these faults takes effect.
 */
export function evaluateVacuity(
  { cluster, workload, steps, expect }: Scenario,
  run: RunRecord,
): ExpectationResult[] {
  const { notVacuous: wanted, during } = expect;
  const { ops, faults, state, stepsFrom, stepsTo, ending } = run;
  const rows: Row[] = [];
  const atLeast = (name: string, limit: number, seen: number, what: string): void => {
    rows.push({
      name: `${name} ${limit}`,
      status: seen >= limit ? 'pass' : 'fail',
      detail: `${what}: ${seen}`,
    });
  };
  if (wanted.ops > 0) {
    const ok = ops.filter(({ outcome }) => outcome === 'ok').length;
    atLeast('ops', wanted.ops, ok, 'operations that ended ok');
  }
  if (wanted.elections !== null) {
    const elections = state.elections.filter(({ t }) => t >= stepsFrom);
    atLeast('elections', wanted.elections, elections.length, 'leaders elected after the first step began');
  }
  // An election may have to be repeated once, and an operation may have been sent to the leader that was lost.
  const patienceMs = 2 * cluster.electionTimeoutMs[1] + workload.timeoutMs;
  const under =
    wanted.opsDuringFaults === 0
      ? null
      : opsDuringFaults({ atLeast: wanted.opsDuringFaults, during, faults, ops, stepsTo, patienceMs });
  if (under !== null) rows.push(under);
  const observed = faultsObserved(faults, {
    wanted: wanted.faultsObserved,
    expected: hasFaults(steps),
    // Within two heartbeats, every link between nodes carries a message.
    blinkMs: 2 * cluster.heartbeatMs,
  });
  if (observed !== null) rows.push(observed);
  return rows.map((row) => ({
    group: 'not-vacuous',
    ...(wanted.line > 0 && { line: wanted.line }),
    ...(ending === null ? row : cutShort(row)),
  }));
}

/** True if the scenario itself injects a fault. */
function hasFaults(steps: readonly Step[]): boolean {
  return steps.some((step) => {
    if (step.kind === 'fault') return step.by === 'scenario';
    if (step.kind === 'repeat') return hasFaults(step.steps);
    return step.kind === 'parallel' && step.branches.some(hasFaults);
  });
}

/**
 * Evaluates whether faults were seen to take effect. If the scenario does not say how many (`wanted` is null), all of
 * its own faults must, except those that held for less than `blinkMs`. Returns null if nothing is expected.
 */
function faultsObserved(
  faults: readonly FaultRecord[],
  options: { readonly wanted: 'all' | number | null; readonly expected: boolean; readonly blinkMs: number },
): Row | null {
  const { wanted, expected, blinkMs } = options;
  if (wanted === 0 || (wanted === null && !expected)) return null;
  const name = `faults-observed ${wanted ?? 'all'}`;
  const injected = faults.filter(
    ({ confirmedAt, by }) => confirmedAt !== null && (wanted !== null || by === 'scenario'),
  );
  if (injected.length === 0) return { name, status: 'fail', detail: 'no fault was injected' };
  const effective = injected.filter(({ evidence }) => evidence !== null);
  const tooShort = (fault: FaultRecord): boolean =>
    wanted === null && fault.aimed.lasting && (fault.healingAt ?? Infinity) - fault.confirmedAt! < blinkMs;
  const unseen = injected.filter((fault) => fault.evidence === null && !tooShort(fault));
  const enough = typeof wanted === 'number' ? effective.length >= wanted : unseen.length === 0;
  const shown = enough
    ? effective.slice(0, 3).map(({ id, evidence }) => `${id}: ${evidence}`)
    : unseen.map(({ id, aimed }) => `nothing shows that ${id} (${aimed.text}) took effect`);
  const short = injected.length - effective.length - unseen.length;
  if (short > 0) shown.push(`${short} held for less than ${blinkMs} ms, too short to be seen`);
  const detail = `${effective.length} of ${injected.length} faults were seen to take effect; ${shown.join('; ')}`;
  return { name, status: enough ? 'pass' : 'fail', detail };
}
