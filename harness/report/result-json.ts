import { clipped } from './format.ts';
import type { ReportModel } from './model/model.ts';

/** Maximum number of characters of the error, because stack traces can be long. */
const LONGEST_ERROR = 16_384;

/**
 * `result.json`, `chaos/result/v1`: the run's result as the harness has it, and under `report` the values that were
 * derived from events and operations: the faults as they took effect, elections, latency by phase. Documented in
 * docs/reports.md.
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
