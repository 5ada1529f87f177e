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

/** Maximum number of violations per property; a node that breaks a property tends to break it again and again. */
const MAX_VIOLATIONS = 20;

/** The first hole in the trace of a node, and the number of holes of all nodes. */
interface Holes {
  readonly t: number;
  readonly node: string;
  readonly reason: string;
  readonly count: number;
}

/**
 * Raft's safety properties (figure 3) and durability, over the nodes' trace. Feed each node's lines in their
 * own order; between nodes any order will do. O(1) an entry, amortised; memory is bounded (`LogMirror`).
 *
 * After a hole in a trace nothing passes any more, and only what the present lines prove is a violation
 * (docs/decisions/0019-holes-in-a-trace.md).
 */
export class SafetyMonitor implements TraceMonitor {
  readonly #views: ReadonlyMap<string, NodeView>;
  /** The nodes whose process has started and has not reported any step yet. */
  readonly #starting = new Set<string>();
  #holes: Holes | null = null;
  readonly #watched: readonly { readonly property: Property; readonly found: Violation[] }[];

  /** `more`: properties to watch in addition to those that every run is judged by. */
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

  /** `t`: ms since the run began. Returns the violations that this line proves. */
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

  /** The node's data folder was removed on purpose: it starts as a new node, without obligations. */
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
          detail: `nothing was seen that could show it (${detail})`,
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

  /** Finds the steps that are missing although no line is: this one cannot come after the last one that was seen. */
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
