import type { TraceEvent } from '../trace.ts';
import type { Violation } from '../result.ts';
import type { LogMirror } from './log-mirror.ts';

/** A line of a node's trace, as a property judges it. Times in ms since the run began. */
export interface Seen<T extends TraceEvent = TraceEvent> {
  readonly t: number;
  readonly node: string;
  readonly trace: T;
}

/**
 * Knowledge about a node from its own lines so far. The lines of one node come in the order of its steps. The order of
 * lines of different nodes is unknown, so no property may rely on it. After a hole in its trace, a field is known again
 * once lines after the hole tell it; a property that argues from a step that it did not see must look at what is known.
 */
export interface NodeView {
  readonly id: string;
  /** Highest term it was seen in; null: it may be in a higher one than it was seen in. */
  term: number | null;
  /** It leads `term`; false: it does not, or that is not known. */
  leading: boolean;
  /** Its log, as far as it is known from its lines. */
  log: LogMirror;
  /** The end of `log` is the end of the node's log. */
  logComplete: boolean;
  /** In this life (since its last start); null: it may be higher than the last one that was seen. */
  commit: number | null;
  /** Highest index that it was seen to apply in this life. */
  applied: number;
}

/**
 * One safety property, watched from outside. `feed` comes before the view takes the line in: it shows the
 * node as it was.
 */
export interface Property {
  readonly name: string;
  feed(seen: Seen, view: NodeView): readonly Violation[];
  /** `evidence`: number of observations that could have shown a violation. 0 is `unknown`, not `pass`. */
  summary(): { readonly evidence: number; readonly detail: string };
  /** The node's disk was emptied on purpose: nothing it had need come back. */
  wiped?(node: string): void;
  /** Steps of the node may be missing here: what follows from its last step being its last one holds no more. */
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

/** A digest as people compare them: eight hexadecimal digits. */
export const hex = (digest: number): string => (digest >>> 0).toString(16).padStart(8, '0');
