import type { Op } from '../../history/op.ts';
import type { ClusterState } from '../../view/cluster-state.ts';
import type { FaultRecord } from '../../nemesis/nemesis.ts';
import type { RunResult } from '../../result.ts';

/** Figures of a run. `faults`: only faults that were confirmed. */
export function countAll(
  ops: readonly Op[],
  faults: readonly FaultRecord[],
  state: ClusterState,
): RunResult['counts'] {
  const byFunction: Record<string, { ok: number; fail: number; info: number }> = {};
  const total = { ok: 0, fail: 0, info: 0 };
  for (const { f, outcome } of ops) {
    byFunction[f] ??= { ok: 0, fail: 0, info: 0 };
    byFunction[f][outcome]++;
    total[outcome]++;
  }
  return {
    operations: ops.length,
    ...total,
    byFunction,
    faults: faults.length,
    manualFaults: faults.filter(({ by }) => by === 'manual').length,
    elections: state.elections.length,
    nodeStarts: state.ids.reduce((sum, id) => sum + state.node(id).starts, 0),
  };
}
