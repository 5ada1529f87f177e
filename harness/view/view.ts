import type { HarnessEvent } from '../event.ts';
import type { NodeLife } from '../ports/cluster.ts';
import { pushBounded } from './bounded.ts';
import { claimed, followLeadership, NO_LEADERSHIP } from './leadership.ts';
import type { LiveFault, NodeState, View } from './model.ts';

/** Maximum number of live faults that are kept. */
const MAX_FAULTS = 64;

/** A view of these nodes before anything has happened. */
export function viewOf(nodes: readonly string[]): View {
  return {
    t: 0,
    phase: 'starting',
    nodes: Object.fromEntries(nodes.map((id) => [id, newNode(id, 'down')])),
    links: {},
    cuts: new Set(),
    leadership: NO_LEADERSHIP,
    faults: [],
    totals: { invoked: 0, ok: 0, fail: 0, info: 0 },
  };
}

/** The view after one more event. Pure. Further fields of `view` are kept. */
export function viewAfter<V extends View>(view: V, event: HarnessEvent): V {
  const seen = event.t > view.t ? { ...view, t: event.t } : view;
  switch (event.type) {
    case 'run': {
      const nodes = event.nodes.map((id) => [id, view.nodes[id] ?? newNode(id, 'starting')]);
      return { ...seen, nodes: Object.fromEntries(nodes) as View['nodes'] };
    }
    case 'phase':
      return { ...seen, phase: event.phase };
    case 'life':
      return followLeadership(
        withNode(seen, event.node, (node) => lived(node, event)),
        event.t,
      );
    case 'status': {
      const next = withNode(seen, event.node, (node) => reported(node, event));
      return followLeadership(isElected(view, next, event) ? claimed(next, event) : next, event.t);
    }
    case 'trace': {
      const { trace, node } = event;
      const next = withNode(seen, node, (state) => traced(state, event));
      return trace.type === 'BecomeLeader' ? claimed(next, { node, term: trace.term }) : next;
    }
    case 'log':
      return withNode(seen, event.node, (node) => ({ ...node, reports: node.reports + 1 }));
    case 'link':
      return linked(seen, event);
    case 'fault':
      return { ...seen, faults: faultsAfter(seen.faults, event) };
    case 'ops':
      return { ...seen, totals: event.total };
    case 'verdict':
      return { ...seen, phase: 'done' };
    case 'step':
    case 'op':
    case 'hold':
    case 'stall':
    case 'violation':
    case 'checked':
    case 'check':
    case 'note':
      return seen;
    default:
      return event satisfies never;
  }
}

const newNode = (id: string, life: NodeLife): NodeState => ({
  id,
  life,
  pid: null,
  upSince: null,
  status: null,
  role: null,
  term: null,
  commit: 0,
  lastIndex: null,
  changes: 0,
  reports: 0,
  starts: 0,
});

function withNode<V extends View>(view: V, id: string, change: (node: NodeState) => NodeState): V {
  return { ...view, nodes: { ...view.nodes, [id]: change(view.nodes[id] ?? newNode(id, 'starting')) } };
}

function lived(node: NodeState, event: Extract<HarnessEvent, { type: 'life' }>): NodeState {
  const { life, pid, t } = event;
  const silent = { status: null, role: null, term: null } as const;
  switch (life) {
    case 'starting':
      return { ...node, life, pid, ...silent, upSince: null, commit: 0 };
    case 'up': {
      // After a pause the process is the same; otherwise a new process has started.
      const same = node.life === 'paused';
      return {
        ...node,
        life,
        pid,
        upSince: same && node.pid === pid ? node.upSince : t,
        starts: same ? node.starts : node.starts + 1,
      };
    }
    case 'paused':
    case 'stopping':
      return { ...node, life, pid };
    case 'down':
      return { ...node, life, pid: null, ...silent, upSince: null };
    default:
      return life satisfies never;
  }
}

function reported(node: NodeState, event: Extract<HarnessEvent, { type: 'status' }>): NodeState {
  const { t, type: _type, node: _node, ...status } = event;
  const heard = { ...node, reports: node.reports + 1 };
  // Lines of a process that has ended may still arrive from its pipe.
  if (node.life === 'down') return heard;
  const { role, term, leader } = status;
  const before = node.status;
  const changed = before?.role !== role || before.term !== term || before.leader !== leader;
  return {
    ...heard,
    status: { ...status, at: t },
    role,
    term: term ?? null,
    lastIndex: status.lastIndex ?? null,
    commit: Math.max(node.commit, status.commit ?? 0),
    changes: changed ? node.changes + 1 : node.changes,
  };
}

/** True if a status shows a leader of a term or, in a system without terms, a node that has become leader. */
function isElected(before: View, after: View, event: Extract<HarnessEvent, { type: 'status' }>): boolean {
  const { node, role, term } = event;
  if (role !== 'leader' || term !== undefined) return role === 'leader';
  return before.nodes[node]?.role !== 'leader' && after.nodes[node]?.role === 'leader';
}

const ROLE_OF_STEP = {
  BecomeFollower: 'follower',
  BecomePreCandidate: 'pre-candidate',
  BecomeCandidate: 'candidate',
  BecomeLeader: 'leader',
  Recover: 'follower',
} as const;

function traced(node: NodeState, { trace }: Extract<HarnessEvent, { type: 'trace' }>): NodeState {
  const heard = { ...node, reports: node.reports + 1 };
  switch (trace.type) {
    case 'BecomeFollower':
    case 'BecomePreCandidate':
    case 'BecomeCandidate':
    case 'BecomeLeader':
    case 'Recover':
      if (node.life === 'down') return heard;
      return { ...heard, role: ROLE_OF_STEP[trace.type], term: trace.term };
    case 'Commit':
      return { ...heard, commit: Math.max(node.commit, trace.index) };
    case 'GrantVote':
    case 'Replicate':
    case 'Apply':
    case 'TakeSnapshot':
    case 'InstallSnapshot':
    case 'ChangeConf':
    case 'ApplyConfChange':
      return heard;
    default:
      return trace satisfies never;
  }
}

function linked<V extends View>(view: V, event: Extract<HarnessEvent, { type: 'link' }>): V {
  const { t, type: _type, link, ...condition } = event;
  const next = { ...view, links: { ...view.links, [link]: condition } };
  // Until the server has confirmed a change, the link counts as unchanged.
  if (condition.pending || view.cuts.has(link) === (condition.cut !== undefined)) return next;
  const cuts = new Set(view.cuts);
  if (condition.cut === undefined) cuts.delete(link);
  else cuts.add(link);
  return followLeadership({ ...next, cuts }, t);
}

function faultsAfter(
  faults: readonly LiveFault[],
  event: Extract<HarnessEvent, { type: 'fault' }>,
): readonly LiveFault[] {
  const { t, id, text, by, state, nodes, links, lasting } = event;
  const others = faults.filter((fault) => fault.id !== id);
  const isOver = state === 'healed' || state === 'failed' || (state === 'confirmed' && !lasting);
  if (isOver) return others;
  const since = faults.find((fault) => fault.id === id)?.since ?? t;
  const fault = { id, text, by, confirmed: state !== 'requested', since, nodes, links };
  return pushBounded(others, fault, MAX_FAULTS);
}
