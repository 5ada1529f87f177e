import { clipped } from './format.ts';
import type { ReportModel } from './model/model.ts';

/** Stacks can be long; the file is for programs. */
const LONGEST_ERROR = 16_384;

/**
 * `result.json`, `chaos/result/v1`: the run's result as the harness has it, and under `report` what was worked out from
 * events and operations: the faults as they were, elections, latency by phase. Documented in docs/reports.md.
 */
export function resultJson({ result, faults, elections, byFault }: ReportModel): string {
  const report = {
    faults,
    elections,
    latencyByPhase: byFault.map(({ fault, phases }) => ({ fault: fault.label, phases })),
  };
  const error = result.error === null ? null : clipped(result.error, LONGEST_ERROR);
  return `${JSON.stringify({ ...result, error, report }, null, 2)}\n`;
}
