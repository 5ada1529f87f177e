import type { HarnessEvent, RunTime } from '../../event.ts';
import type { Op } from '../../history/op.ts';
import type { RunResult } from '../../result.ts';
import { binOps, endOf } from './bins.ts';
import type { Bins } from './bins.ts';
import { faultSpans } from './faults.ts';
import type { FaultSpan } from './faults.ts';
import { linkLanes } from './link-states.ts';
import type { LinkLane } from './link-states.ts';
import { latencyByPhase } from './phases.ts';
import type { FaultPhases } from './phases.ts';
import { elections, nodeLanes } from './roles.ts';
import type { ReportedElection, NodeLane } from './roles.ts';

/** Input of a report. */
export interface ReportInput {
  readonly result: RunResult;
  readonly events: readonly HarnessEvent[];
  readonly ops: readonly Op[];
  readonly scenarioText: string;
  readonly flatScenarioText: string;
  readonly logTails: Readonly<Record<string, string>>;
}

/**
 * The input in order, with all values that are derived from it. Every file and picture is made from this, so that they
 * agree.
 */
export interface ReportModel extends ReportInput {
  /** The operations, in order of invocation. */
  readonly ops: readonly Op[];
  /** End of the pictures' time axis, which begins at 0. The check after a run is left out, because it has no load. */
  readonly endMs: RunTime;
  readonly faults: readonly FaultSpan[];
  readonly lanes: readonly NodeLane[];
  readonly links: readonly LinkLane[];
  readonly bins: Bins;
  readonly elections: readonly ReportedElection[];
  readonly byFault: readonly FaultPhases[];
  /** Time at which each violation became visible. Every picture has a line there, numbered from 1. */
  readonly violationTimes: readonly (RunTime | null)[];
  readonly opsById: ReadonlyMap<number, Op>;
}

export function reportModel(input: ReportInput): ReportModel {
  const { result } = input;
  const events = input.events.toSorted((a, b) => a.t - b.t);
  const ops = input.ops.toSorted((a, b) => a.call - b.call);
  const wanted = new Set(
    result.violations.flatMap((v) => [...(v.opIds ?? []), ...(v.linearizedIds ?? []), v.stuckId ?? -1]),
  );
  const opsById = new Map(ops.filter((op) => wanted.has(op.id)).map((op) => [op.id, op]));
  const endMs = pictureEnd(result, events, ops);
  const faults = faultSpans(events, endMs);
  return {
    ...input,
    events,
    ops,
    endMs,
    faults,
    opsById,
    lanes: nodeLanes(result.nodes, events, endMs),
    links: linkLanes(result.nodes, events, faults, endMs),
    bins: binOps(ops, endMs),
    elections: elections(events),
    byFault: latencyByPhase(faults, ops, endMs),
    violationTimes: result.violations.map((violation) => {
      const stuck = opsById.get(violation.stuckId ?? violation.opIds?.at(-1) ?? -1);
      return stuck === undefined ? (violation.events?.at(-1)?.t ?? null) : endOf(stuck);
    }),
  };
}

/** Time at which the check began (else the end of the run), or a later end of an operation. */
function pictureEnd(result: RunResult, events: readonly HarnessEvent[], ops: readonly Op[]): RunTime {
  const checking = events.find((event) => event.type === 'phase' && event.phase === 'checking');
  let end = checking?.t ?? Math.max(result.durationMs, events.at(-1)?.t ?? 0);
  for (const op of ops) end = Math.max(end, endOf(op));
  return Number.isFinite(end) && end > 1 ? end : 1;
}
