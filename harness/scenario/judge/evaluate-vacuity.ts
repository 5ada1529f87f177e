import type { FaultRecord } from '../../nemesis/nemesis.ts';
import type { ExpectationResult } from '../../result.ts';
import type { Expectations } from '../language/schema.ts';
import { cutShort, type Row, type RunRecord } from './run-record.ts';

/** `not-vacuous`: whether the run was meaningful. */
export function evaluateVacuity(wanted: Expectations['notVacuous'], run: RunRecord): ExpectationResult[] {
  const { ops, faults, state, stepsFrom, ending } = run;
  const rows: Row[] = [];
  const atLeast = (name: string, limit: number, seen: number, what: string): void => {
    rows.push({
      name: `${name} ${limit}`,
      status: seen >= limit ? 'pass' : 'fail',
      detail: `${what}: ${seen}`,
    });
  };
  if (wanted.ops !== null) {
    const ok = ops.filter(({ outcome }) => outcome === 'ok').length;
    atLeast('ops', wanted.ops, ok, 'operations that ended ok');
  }
  if (wanted.elections !== null) {
    const elections = state.elections.filter(({ t }) => t >= stepsFrom);
    atLeast('elections', wanted.elections, elections.length, 'leaders elected after the first step began');
  }
  if (wanted.faultsObserved !== null) rows.push(faultsObserved(wanted.faultsObserved, faults));
  return rows.map((row) => ({
    group: 'not-vacuous',
    line: wanted.line,
    ...(ending === null ? row : cutShort(row)),
  }));
}

function faultsObserved(wanted: 'all' | number, faults: readonly FaultRecord[]): Row {
  const name = `faults-observed ${wanted}`;
  const injected = faults.filter(({ confirmedAt }) => confirmedAt !== null);
  if (injected.length === 0) return { name, status: 'fail', detail: 'no fault was injected' };
  const effective = injected.filter(({ evidence }) => evidence !== null);
  const unseen = injected.filter(({ evidence }) => evidence === null);
  const enough = wanted === 'all' ? unseen.length === 0 : effective.length >= wanted;
  const shown = enough
    ? effective.slice(0, 3).map(({ id, evidence }) => `${id}: ${evidence}`)
    : unseen.map(({ id, aimed }) => `nothing shows that ${id} (${aimed.text}) took effect`);
  const detail = `${effective.length} of ${injected.length} faults were seen to take effect; ${shown.join('; ')}`;
  return { name, status: enough ? 'pass' : 'fail', detail };
}
