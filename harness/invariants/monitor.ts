import type { TraceEvent } from '../trace.ts';
import type { PropertyResult, TraceMonitor } from '../ports/system.ts';
import type { Violation } from '../result.ts';
import { Durability } from './durability.ts';
import { ElectionSafety } from './election-safety.ts';
import { LeaderAppendOnly } from './leader-append-only.ts';
import { LeaderCompleteness } from './leader-completeness.ts';
import { LogMatching } from './log-matching.ts';
import { LogMirror } from './log-mirror.ts';
import type { NodeView, Property } from './property.ts';
import { StateMachineSafety } from './state-machine-safety.ts';

/** Maximum number of violations per property; a node that breaks a property tends to break it again and again. */
const MAX_VIOLATIONS = 20;

/**
 * Raft's safety properties (figure 3) and durability, over the nodes' trace. Feed each node's lines in their
 * own order; between nodes any order will do. O(1) an entry, amortised; memory is bounded (`LogMirror`).
 */
export class SafetyMonitor implements TraceMonitor {
  readonly #views: ReadonlyMap<string, NodeView>;
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
    const view = this.#views.get(node);
    if (view === undefined)
      throw new Error(`a trace line of ${node}, which is not one of ${[...this.#views.keys()].join(', ')}`);
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

  /** The node's data folder was removed on purpose: it starts as a new node, without obligations. */
  wiped(node: string): void {
    for (const { property } of this.#watched) property.wiped?.(node);
  }

  results(): readonly PropertyResult[] {
    return this.#watched.map(({ property, found }) => {
      const { evidence, detail } = property.summary();
      if (found.length > 0) return { property: property.name, status: 'fail', detail: found[0]!.prose };
      if (evidence === 0)
        return {
          property: property.name,
          status: 'unknown',
          detail: `nothing was seen that could show it (${detail})`,
        };
      return { property: property.name, status: 'pass', detail };
    });
  }
}

const newView = (id: string): NodeView => ({
  id,
  term: 0,
  leading: false,
  log: new LogMirror(),
  commit: 0,
  applied: 0,
});

function takeIn(view: NodeView, trace: TraceEvent): void {
  switch (trace.type) {
    case 'BecomeFollower':
    case 'BecomePreCandidate':
    case 'BecomeCandidate':
    case 'BecomeLeader':
      view.leading = trace.type === 'BecomeLeader';
      view.term = Math.max(view.term, trace.term);
      break;
    case 'GrantVote':
      view.term = Math.max(view.term, trace.term);
      break;
    case 'Replicate':
      if (trace.truncated) view.log.truncateFrom(trace.first);
      putAll(view.log, trace);
      break;
    case 'Commit':
      view.commit = Math.max(view.commit, trace.index);
      break;
    case 'Apply':
      view.applied = Math.max(view.applied, trace.index);
      break;
    case 'InstallSnapshot':
      view.log = new LogMirror(trace.index + 1);
      view.commit = Math.max(view.commit, trace.index);
      view.applied = Math.max(view.applied, trace.index);
      break;
    case 'TakeSnapshot':
    case 'ChangeConf':
    case 'ApplyConfChange':
      break;
    case 'Recover':
      view.log = new LogMirror(trace.first);
      putAll(view.log, trace);
      Object.assign(view, {
        term: trace.term,
        leading: false,
        commit: trace.snapshot?.index ?? 0,
        applied: trace.snapshot?.index ?? 0,
      });
      break;
    default:
      trace satisfies never;
  }
}

function putAll(
  log: LogMirror,
  { first, terms, digests }: Pick<TraceEvent & { type: 'Replicate' }, 'first' | 'terms' | 'digests'>,
): void {
  for (const [i, term] of terms.entries()) log.put(first + i, term, digests[i]!);
}
