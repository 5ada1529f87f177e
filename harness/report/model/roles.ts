import type { HarnessEvent, RunTime } from '../../event.ts';

export type NodeState =
  | 'leader'
  | 'candidate'
  | 'pre-candidate'
  | 'follower'
  | 'starting'
  | 'stopping'
  | 'frozen'
  | 'down';

/** What a node was, in one term, for one stretch of time. */
export interface RoleSpan {
  readonly from: RunTime;
  readonly to: RunTime;
  readonly state: NodeState;
  readonly term: number | null;
}

export interface NodeLane {
  readonly node: string;
  readonly spans: readonly RoleSpan[];
  /** Exits that nobody asked for. */
  readonly crashes: readonly { readonly t: RunTime; readonly text: string }[];
}

export interface Election {
  readonly t: RunTime;
  readonly node: string;
  readonly term: number;
  /** Since the latest candidacy in the same term by the same node began; null when none was seen. */
  readonly tookMs: number | null;
}

const ROLE_OF_TRACE: Readonly<Record<string, NodeState>> = {
  BecomeFollower: 'follower',
  BecomePreCandidate: 'pre-candidate',
  BecomeCandidate: 'candidate',
  BecomeLeader: 'leader',
};

/** `events` oldest first. A node that is up and has not told its role is a follower: that is how Raft starts. */
export function nodeLanes(
  nodes: readonly string[],
  events: readonly HarnessEvent[],
  end: RunTime,
): readonly NodeLane[] {
  const lanes = new Map(nodes.map((node) => [node, new LaneDraft()]));
  for (const event of events) {
    if (event.type !== 'life' && event.type !== 'trace' && event.type !== 'status') continue;
    const lane = lanes.get(event.node);
    if (lane === undefined) continue;
    if (event.type === 'life') lane.lives(event);
    else if (event.type === 'status') lane.is(event.t, event.role, event.term ?? null);
    else if (event.trace.type in ROLE_OF_TRACE && 'term' in event.trace) {
      lane.is(event.t, ROLE_OF_TRACE[event.trace.type]!, event.trace.term);
    } else if (event.trace.type === 'Recover') lane.is(event.t, 'follower', event.trace.term);
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
  #life: 'starting' | 'up' | 'paused' | 'stopping' | 'down' | null = null;
  #role: NodeState = 'follower';
  #term: number | null = null;
  #open: { from: RunTime; state: NodeState; term: number | null } | null = null;

  lives(event: Extract<HarnessEvent, { type: 'life' }>): void {
    this.#life = event.life;
    if (event.life === 'down' || event.life === 'starting') this.#role = 'follower';
    if (event.exit !== undefined && !event.exit.expected) {
      const how = event.exit.signal ?? `exit ${event.exit.code ?? '?'}`;
      this.crashes.push({ t: event.t, text: `${how} ${event.exit.stderr.trim()}`.trim() });
    }
    this.#show(event.t);
  }

  is(t: RunTime, role: NodeState, term: number | null): void {
    // Lines that were still in the pipe when the process went say nothing about now.
    if (this.#life === 'down') return;
    this.#life ??= 'up';
    this.#role = role;
    this.#term = term;
    this.#show(t);
  }

  close(end: RunTime): void {
    if (this.#open !== null && end > this.#open.from) this.spans.push({ ...this.#open, to: end });
    this.#open = null;
  }

  #show(t: RunTime): void {
    const state = this.#state();
    const term = state === 'down' || state === 'starting' ? null : this.#term;
    if (this.#open !== null && this.#open.state === state && this.#open.term === term) return;
    const from = Math.max(t, this.#open?.from ?? 0);
    if (this.#open !== null && from > this.#open.from) this.spans.push({ ...this.#open, to: from });
    this.#open = { from, state, term };
  }

  #state(): NodeState {
    switch (this.#life) {
      case null:
      case 'down':
        return 'down';
      case 'paused':
        return 'frozen';
      case 'starting':
      case 'stopping':
        return this.#life;
      case 'up':
        return this.#role;
      default:
        return this.#life satisfies never;
    }
  }
}

/** Every time that a node became leader, oldest first. */
export function elections(events: readonly HarnessEvent[]): readonly Election[] {
  const candidacies = new Map<string, RunTime>();
  const won: Election[] = [];
  for (const event of events) {
    if (event.type !== 'trace') continue;
    const { trace, node, t } = event;
    if (trace.type === 'BecomeCandidate') candidacies.set(`${node}/${trace.term}`, t);
    if (trace.type !== 'BecomeLeader') continue;
    const since = candidacies.get(`${node}/${trace.term}`);
    won.push({ t, node, term: trace.term, tookMs: since === undefined ? null : t - since });
  }
  return won;
}

/** Who leads: at each moment the node that leads in the highest term, until it stops or a higher term has a leader. */
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
