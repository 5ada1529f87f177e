import type { HarnessEvent, RunTime } from '../../event.ts';
import type { NodeLife } from '../../ports/cluster.ts';
import type { NodeRole } from '../../trace.ts';
import type { NodeState } from '../../view/model.ts';
import { viewAfter, viewOf } from '../../view/view.ts';

/** State of a lane at one moment: the role of a node that is up, else its life. */
export type LaneState = NodeRole | Exclude<NodeLife, 'up'>;

/** One state of a node, in one term, over one span of time. */
export interface RoleSpan {
  readonly from: RunTime;
  readonly to: RunTime;
  readonly state: LaneState;
  readonly term: number | null;
}

export interface NodeLane {
  readonly node: string;
  readonly spans: readonly RoleSpan[];
  /** Exits that the harness did not cause. */
  readonly crashes: readonly { readonly t: RunTime; readonly text: string }[];
}

export interface ReportedElection {
  readonly t: RunTime;
  readonly node: string;
  readonly term: number;
  /** Time since the latest candidacy of this node in this term began; null if none was seen. */
  readonly tookMs: number | null;
}

/**
 * `events` are oldest first. A node that is up and has not reported its role is a follower, because every node starts
 * as one.
 */
export function nodeLanes(
  nodes: readonly string[],
  events: readonly HarnessEvent[],
  end: RunTime,
): readonly NodeLane[] {
  const lanes = new Map(nodes.map((node) => [node, new LaneDraft()]));
  let view = viewOf(nodes);
  for (const event of events) {
    view = viewAfter(view, event);
    if (event.type !== 'life' && event.type !== 'trace' && event.type !== 'status') continue;
    const lane = lanes.get(event.node);
    if (lane === undefined) continue;
    if (event.type === 'life') lane.noteExit(event);
    lane.show(event.t, view.nodes[event.node]!);
  }
  return nodes.map((node) => {
    const draft = lanes.get(node)!;
    draft.close(end);
    return { node, spans: draft.spans, crashes: draft.crashes };
  });
}

class LaneDraft {
  readonly spans: RoleSpan[] = [];
  readonly crashes: { t: RunTime; text: string }[] = [];
  #open: { from: RunTime; state: LaneState; term: number | null } | null = null;

  noteExit({ t, exit }: Extract<HarnessEvent, { type: 'life' }>): void {
    if (exit === undefined || exit.expected) return;
    const how = exit.signal ?? `exit ${exit.code ?? '?'}`;
    this.crashes.push({ t, text: `${how} ${exit.stderr.trim()}`.trim() });
  }

  show(t: RunTime, node: NodeState): void {
    const state = node.life === 'up' ? (node.role ?? 'follower') : node.life;
    const term = state === 'down' || state === 'starting' ? null : node.term;
    if (this.#open !== null && this.#open.state === state && this.#open.term === term) return;
    const from = Math.max(t, this.#open?.from ?? 0);
    if (this.#open !== null && from > this.#open.from) this.spans.push({ ...this.#open, to: from });
    this.#open = { from, state, term };
  }

  close(end: RunTime): void {
    if (this.#open !== null && end > this.#open.from) this.spans.push({ ...this.#open, to: end });
    this.#open = null;
  }
}

/** Every election that was won, oldest first. */
export function elections(events: readonly HarnessEvent[]): readonly ReportedElection[] {
  const candidacies = new Map<string, RunTime>();
  const won: ReportedElection[] = [];
  let view = viewOf([]);
  for (const event of events) {
    const before = view.leadership.elections;
    view = viewAfter(view, event);
    if (event.type === 'trace' && event.trace.type === 'BecomeCandidate')
      candidacies.set(`${event.node}/${event.trace.term}`, event.t);
    if (view.leadership.elections === before) continue;
    const { node, term } = view.leadership.claims.at(-1)!;
    const since = candidacies.get(`${node}/${term}`);
    won.push({ t: event.t, node, term, tookMs: since === undefined ? null : event.t - since });
  }
  return won;
}

/**
 * The leader over time: at each moment the node that leads in the highest term. Its reign ends when it stops or when a
 * higher term has a leader.
 */
export function leadership(lanes: readonly NodeLane[]): readonly (RoleSpan & { readonly node: string })[] {
  const reigns = lanes
    .flatMap(({ node, spans }) => spans.filter((s) => s.state === 'leader').map((s) => ({ ...s, node })))
    .sort((a, b) => a.from - b.from || (a.term ?? 0) - (b.term ?? 0));
  return reigns.flatMap((reign, i) => {
    const next = reigns.slice(i + 1).find((later) => (later.term ?? 0) > (reign.term ?? 0));
    const usurped = reigns
      .slice(0, i)
      .some((earlier) => earlier.to > reign.from && (earlier.term ?? 0) > (reign.term ?? 0));
    const to = Math.min(reign.to, next?.from ?? Infinity);
    return usurped || to <= reign.from ? [] : [{ ...reign, to }];
  });
}
