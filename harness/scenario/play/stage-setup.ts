import type { StageSetup } from '../../ports/stage.ts';
import type { Scenario } from '../language/schema.ts';

/** The part of a stage's setup that the scenario decides. */
export function stageSetup(
  { cluster, workload, expect }: Scenario,
  seed: number,
): Omit<StageSetup, 'dir' | 'signal' | 'onNote' | 'onFailure'> {
  const { nodes, electionTimeoutMs, heartbeatMs } = cluster;
  return {
    seed,
    nodes,
    electionTimeoutMs,
    heartbeatMs,
    workload: { ...workload, seed },
    live: expect.always.linearizableMs !== null,
  };
}
