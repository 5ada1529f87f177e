import { firstFrom } from '../../history/first-from.ts';
import { statsOf } from '../../history/latency.ts';
import type { LatencyStats } from '../../history/latency.ts';
import type { Op } from '../../history/op.ts';
import type { FaultSpan } from './faults.ts';

/** Operations invoked in one span of time. Latencies are in ms and those of ok operations. */
export interface PhaseStats extends LatencyStats {
  readonly phase: 'before' | 'during' | 'after';
  readonly from: number;
  readonly to: number;
  readonly ok: number;
  readonly fail: number;
  readonly info: number;
}

export interface FaultPhases {
  readonly fault: FaultSpan;
  readonly phases: readonly PhaseStats[];
}

/** Length of the spans before and after a fault with which the fault is compared, in ms. */
export const NEIGHBOURHOOD_MS = 5_000;

/** `ops` are in order of invocation. A momentary fault has no `during`. */
export function latencyByPhase(
  faults: readonly FaultSpan[],
  ops: readonly Op[],
  endMs: number,
): readonly FaultPhases[] {
  return faults
    .filter((fault) => fault.end !== 'failed')
    .map((fault) => {
      const windows: [PhaseStats['phase'], number, number][] = [
        ['before', Math.max(0, fault.from - NEIGHBOURHOOD_MS), fault.from],
        ['during', fault.from, fault.to],
        ['after', fault.to, Math.min(endMs, fault.to + NEIGHBOURHOOD_MS)],
      ];
      return {
        fault,
        phases: windows
          .filter(([, from, to]) => to > from)
          .map(([phase, from, to]) => phaseStats(phase, from, to, ops)),
      };
    });
}

function phaseStats(phase: PhaseStats['phase'], from: number, to: number, ops: readonly Op[]): PhaseStats {
  const tally = { ok: 0, fail: 0, info: 0 };
  const waits: number[] = [];
  for (let i = firstFrom(ops, from); i < ops.length && ops[i]!.call < to; i++) {
    const op = ops[i]!;
    tally[op.outcome]++;
    if (op.outcome === 'ok') waits.push(op.return - op.call);
  }
  return { phase, from, to, ...tally, ...statsOf(waits) };
}
