import type { TraceEvent } from '../trace.ts';
import type { PropertyResult, TraceMonitor } from '../ports/system.ts';
import type { Violation } from '../result.ts';
import { Durability } from './durability.ts';
import { ElectionSafety } from './election-safety.ts';
import { LeaderAppendOnly } from './leader-append-only.ts';
import { LeaderCompleteness } from './leader-completeness.ts';
import { LogMatching } from './log-matching.ts';
import { forget, newView, takeIn } from './node-view.ts';
import type { NodeView, Property } from './property.ts';
import { StateMachineSafety } from './state-machine-safety.ts';

/** Maximum number of violations per property, because a node that violates a property often repeats the violation. */
const MAX_VIOLATIONS = 20;

/** The first hole in the trace of a node, and the number of holes of all nodes. */
interface Holes {
  readonly t: number;
  readonly node: string;
  readonly reason: string;
  readonly count: number;
}

/**
 * Checks Raft's safety properties (figure 3) and durability over the nodes' traces. The lines of each node must be fed
 * in their own order; the order between nodes does not matter. The time is O(1) per entry, amortised; memory is bounded
 * (`LogMirror`).
 *
 * After a hole in a trace no property passes any more, and only what the existing lines prove is a violation
 * (docs/decisions/0019-holes-in-a-trace.md).
 */
export class SafetyMonitor implements TraceMonitor {
  readonly #views: ReadonlyMap<string, NodeView>;
  /** Nodes whose process has started but has not reported a step yet. */
  readonly #starting = new Set<string>();
  #holes: Holes | null = null;
  readonly #watched: readonly { readonly property: Property; readonly found: Violation[] }[];

  /** `more` has properties to check in addition to those of every run. */
  constructor(nodes: readonly string[], more: readonly Property[] = []) {
    this.#views = new Map(nodes.map((id) => [id, newView(id)]));
    const properties: readonly Property[] = [
      new ElectionSafety(),
      new LeaderAppendOnly(),
      new LogMatching(),
      new LeaderCompleteness(),
      new StateMachineSafety(),
      new Durability(),
      ...more,
    ];
    this.#watched = properties.map((property) => ({ property, found: [] }));
  }

  /** Returns the violations that this line proves. `t` is in ms since the run began. */
  feed(t: number, node: string, trace: TraceEvent): readonly Violation[] {
    const view = this.#viewOf(node);
    this.#lookForHole(t, view, trace);
    const news: Violation[] = [];
    for (const { property, found } of this.#watched) {
      for (const violation of property.feed({ t, node, trace }, view)) {
        if (found.length >= MAX_VIOLATIONS) continue;
        found.push(violation);
        news.push(violation);
      }
    }
    takeIn(view, trace);
    return news;
  }

  started(node: string): void {
    this.#starting.add(node);
  }

  hole(t: number, node: string, reason: string): void {
    forget(this.#viewOf(node));
    for (const { property } of this.#watched) property.hole?.(node);
    this.#holes = { ...(this.#holes ?? { t, node, reason }), count: (this.#holes?.count ?? 0) + 1 };
  }

  /**
   * Called when the node's data folder was removed on purpose: it starts as a new node, without its earlier entries and
   * votes.
   */
  wiped(node: string): void {
    for (const { property } of this.#watched) property.wiped?.(node);
  }

  results(): readonly PropertyResult[] {
    return this.#watched.map(({ property, found }) => {
      const { evidence, detail } = property.summary();
      if (found.length > 0) return { property: property.name, status: 'fail', detail: found[0]!.prose };
      if (this.#holes !== null)
        return {
          property: property.name,
          status: 'unknown',
          detail: `${inWords(this.#holes)}; seen were ${detail}`,
        };
      if (evidence === 0)
        return {
          property: property.name,
          status: 'unknown',
          detail: `no observation could have shown a violation (${detail})`,
        };
      return { property: property.name, status: 'pass', detail };
    });
  }

  #viewOf(node: string): NodeView {
    const view = this.#views.get(node);
    if (view === undefined)
      throw new Error(`a trace line of ${node}, which is not one of ${[...this.#views.keys()].join(', ')}`);
    return view;
  }

  /** Detects missing steps when no line is known to be lost: this step cannot follow the last one that was seen. */
  #lookForHole(t: number, view: NodeView, trace: TraceEvent): void {
    const isFirst = this.#starting.delete(view.id);
    if (isFirst && trace.type !== 'Recover')
      this.hole(t, view.id, `the first step of its process is ${trace.type}, not Recover`);
    const { last } = view.log;
    if (trace.type === 'Replicate' && view.logComplete && trace.first > last + 1)
      this.hole(
        t,
        view.id,
        `it put entries from index ${trace.first} on into its log, which ended at ${last}`,
      );
  }
}

function inWords({ t, node, reason, count }: Holes): string {
  const more = count === 1 ? '' : ` (the first of ${count} holes)`;
  return `steps of ${node} may be missing from ${(t / 1_000).toFixed(2)} s on: ${reason}${more}`;
}
