import type { ReportModel } from '../model/model.ts';

/**
 * Maximum number of changes of a lane in the readout: lanes with more are left out, because they would make the page
 * too large.
 */
const MOST_CHANGES = 1_500;

/** Data for the readout that the page's script shows under the pointer. It is internal and may change. */
export interface ReadoutData {
  readonly end: number;
  readonly binMs: number;
  /** Per bin: [ok, failed, unknown, p50, p99, max]; latencies are in µs, or -1 if there is none. */
  readonly bins: readonly (readonly number[])[];
  /** [label and text, from, to] */
  readonly faults: readonly (readonly [string, number, number])[];
  /** The changes of each node: [time, state since that time]. */
  readonly nodes: readonly (readonly [string, readonly (readonly [number, string])[]])[];
}

export function readoutData({ bins, faults, lanes, endMs }: ReportModel): ReadoutData {
  const micros = (ms: number | null): number => (ms === null ? -1 : Math.round(ms * 1000));
  return {
    end: Math.round(endMs),
    binMs: bins.widthMs,
    bins: bins.ok.map((ok, i) => [
      ok,
      bins.fail[i]!,
      bins.info[i]!,
      micros(bins.p50[i]!),
      micros(bins.p99[i]!),
      micros(bins.max[i]!),
    ]),
    faults: faults
      .filter((f) => f.end !== 'failed')
      .map((f) => [`${f.label} ${f.text}`, Math.round(f.from), Math.round(f.to)]),
    nodes: lanes
      .filter((lane) => lane.spans.length <= MOST_CHANGES)
      .map((lane) => [
        lane.node,
        lane.spans.map((s) => [
          Math.round(s.from),
          `${s.state}${s.term === null ? '' : ` · term ${s.term}`}`,
        ]),
      ]),
  };
}
