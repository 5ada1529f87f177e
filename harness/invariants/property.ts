import type { TraceEvent } from '../trace.ts';
import type { Violation } from '../result.ts';
import type { LogMirror } from './log-mirror.ts';

/** A line of a node's trace, as a property receives it. Times are in ms since the run began. */
export interface Seen<T extends TraceEvent = TraceEvent> {
  readonly t: number;
  readonly node: string;
  readonly trace: T;
}

/**
 * The state of a node as its own lines show it. The lines of one node arrive in the order of its steps. The order of
 * lines of different nodes is unknown, so no property may rely on it. After a hole in the node's trace, a field is
 * unknown until a later line contains it. A property must not conclude anything from an unknown field.
 */
export interface NodeView {
  readonly id: string;
  /** Highest term in which it was seen; null if it may be in a higher one. */
  term: number | null;
  /** True if it leads `term`; false if it does not or if this is unknown. */
  leading: boolean;
  /** Its log, as far as it is known from its lines. */
  log: LogMirror;
  /** True if the end of `log` is the end of the node's log. */
  logComplete: boolean;
  /** Commit index since its last start; null if it may be higher than the last one that was seen. */
  commit: number | null;
  /** Highest index that it was seen to apply since its last start. */
  applied: number;
}

/**
 * One safety property, checked on the trace. `feed` is called before the view is updated with the line, so the view
 * shows the state of the node before it.
 */
export interface Property {
  readonly name: string;
  feed(seen: Seen, view: NodeView): readonly Violation[];
  /**
   * `evidence` is the number of observations that could have shown a violation. If it is 0, the result is `unknown`,
   * not `pass`.
   */
  summary(): { readonly evidence: number; readonly detail: string };
  /** Called when the node's disk was emptied on purpose: its earlier data need not exist any more. */
  wiped?(node: string): void;
  /** Called if steps of the node may be missing at this point: its last seen step may not be its last step. */
  hole?(node: string): void;
}

type ProofEvent = NonNullable<Violation['events']>[number];

export const event = (seen: { readonly t: number; readonly node: string }, text: string): ProofEvent => ({
  t: seen.t,
  node: seen.node,
  text,
});

export function violation(
  property: string,
  anomaly: string,
  prose: string,
  events: readonly ProofEvent[],
): Violation {
  return { property, anomaly, prose, events: [...events].sort((a, b) => a.t - b.t) };
}

/** A digest as eight hexadecimal digits. */
export const hex = (digest: number): string => (digest >>> 0).toString(16).padStart(8, '0');
