import type { HarnessEvent } from '../event.ts';
import { push, spans } from './bounded.ts';
import { eventLine, type EventLine } from '../output/event-line.ts';
import { durationText } from '../output/format.ts';
import { claimed, lead } from './leadership.ts';
import {
  EMPTY_STATE,
  LIMITS,
  type DashboardState,
  type LiveFault,
  type NodeState,
  type StepState,
} from './state.ts';

/** The state after one more event. Pure; a run's `events.jsonl`, folded with it, gives every screen again. */
export function reduce(state: DashboardState, event: HarnessEvent): DashboardState {
  const seen = event.t > state.t ? { ...state, t: event.t } : state;
  const next = withLeadership(apply(seen, event), event);
  return withEventLine(next, state, event);
}

export function reduceAll(
  events: Iterable<HarnessEvent>,
  state: DashboardState = EMPTY_STATE,
): DashboardState {
  for (const event of events) state = reduce(state, event);
  return state;
}

function apply(state: DashboardState, event: HarnessEvent): DashboardState {
  switch (event.type) {
    case 'run':
      return started(state, event);
    case 'phase':
      return {
        ...state,
        phase: event.phase,
        stepsFrom: event.phase === 'running' ? (state.stepsFrom ?? event.t) : state.stepsFrom,
      };
    case 'life':
      return withNode(state, event.node, (node) => lived(node, event));
    case 'status': {
      const { role, term = 0, leader = null, commit, applied, lastIndex } = event;
      const status = { at: event.t, role, term, leader, commit, applied, lastIndex };
      return withNode(state, event.node, (node) => (node.life === 'down' ? node : { ...node, status }));
    }
    case 'trace':
      return { ...state, tracedTo: event.t };
    case 'log':
    case 'op':
    case 'note':
      return state;
    case 'step':
      return {
        ...state,
        steps: state.steps.map((step, index) => (index === event.index ? stepped(step, event) : step)),
      };
    case 'fault':
      return faulted(state, event);
    case 'link': {
      const { t: _t, type: _type, link, ...condition } = event;
      return { ...state, links: { ...state.links, [link]: condition } };
    }
    case 'ops': {
      const perSecond = event.windowMs > 0 ? 1_000 / event.windowMs : 0;
      const point = {
        t: event.t,
        okPerSecond: event.ok * perSecond,
        failPerSecond: event.fail * perSecond,
        infoPerSecond: event.info * perSecond,
        p50: event.p50,
        p99: event.p99,
      };
      return { ...state, ops: push(state.ops, point, LIMITS.ops), totals: event.total };
    }
    case 'hold':
      return { ...state, held: event.held };
    case 'violation':
      return violated(state, event);
    case 'checked':
      return { ...state, judged: { to: event.to, undecided: event.undecided } };
    case 'check': {
      const { t, name, state: how, detail } = event;
      if (!(name in state.checks) && Object.keys(state.checks).length >= LIMITS.checks) return state;
      return { ...state, checks: { ...state.checks, [name]: { t, state: how, detail } } };
    }
    case 'verdict': {
      const { verdict, exitCode, sentence, report } = event;
      return { ...state, phase: 'done', verdict: { verdict, exitCode, sentence, report } };
    }
    default:
      return event satisfies never;
  }
}

/** The first ones explain the rest: those are kept. What was found live is told once more, and better, at the end. */
function violated(
  state: DashboardState,
  event: Extract<HarnessEvent, { type: 'violation' }>,
): DashboardState {
  const { t, property, text, key = null, live } = event;
  const told = { t, property, key, text };
  const known =
    key === null ? -1 : state.violations.findIndex((v) => v.property === property && v.key === key);
  const violations =
    known >= 0
      ? state.violations.with(known, { ...told, t: state.violations[known]!.t })
      : state.violations.length < LIMITS.violations
        ? [...state.violations, told]
        : state.violations;
  const counts = { ...state.violationCounts };
  if (live === true) counts.live++;
  else if (property === 'linearizability') counts.final++;
  else counts.other++;
  const violationCount = counts.other + Math.max(counts.live, counts.final);
  return { ...state, violations, violationCount, violationCounts: counts };
}

function started(state: DashboardState, event: Extract<HarnessEvent, { type: 'run' }>): DashboardState {
  const { run, scenario, file, seed, nodes, links, out, steps } = event;
  const known = Object.fromEntries(nodes.map((id) => [id, state.nodes[id] ?? newNode(id)]));
  return {
    ...state,
    run: { run, scenario, file, seed, nodes, links, out },
    nodes: known,
    steps: steps.map(({ text, line }) => ({
      text,
      line,
      state: 'waiting',
      startedAt: null,
      endedAt: null,
      detail: '',
    })),
  };
}

const newNode = (id: string): NodeState => ({ id, life: 'starting', pid: null, upSince: null, status: null });

function withNode(state: DashboardState, id: string, change: (node: NodeState) => NodeState): DashboardState {
  return { ...state, nodes: { ...state.nodes, [id]: change(state.nodes[id] ?? newNode(id)) } };
}

function lived(node: NodeState, event: Extract<HarnessEvent, { type: 'life' }>): NodeState {
  const { life, pid, t } = event;
  switch (life) {
    case 'starting':
      return { ...node, life, pid, upSince: null, status: null };
    case 'up':
      // From `paused` it comes back as the same process; otherwise a new one begins.
      return { ...node, life, pid, upSince: node.life === 'paused' && node.pid === pid ? node.upSince : t };
    case 'paused':
    case 'stopping':
      return { ...node, life, pid };
    case 'down':
      return { ...node, life, pid: null, upSince: null };
    default:
      return life satisfies never;
  }
}

function stepped(step: StepState, event: Extract<HarnessEvent, { type: 'step' }>): StepState {
  if (event.path !== undefined) {
    // A step within this one (repeat, parallel, random): it tells how far, it does not end its parent.
    return {
      ...step,
      detail: `${event.path} ${event.text}${event.detail === undefined ? '' : ` ${event.detail}`}`,
    };
  }
  const ended = event.state !== 'running';
  return {
    ...step,
    text: event.text,
    state: event.state,
    startedAt: step.startedAt ?? event.t,
    endedAt: ended ? event.t : null,
    detail: event.detail ?? (ended ? '' : step.detail),
  };
}

/** Faults that are over the moment they are confirmed: what they did lives on in the node, not in a handle. */
const MOMENTARY: ReadonlySet<string> = new Set([
  'kill',
  'stop',
  'restart',
  'reset',
  'wipe',
  'resume',
  'heal',
  'transfer-leader',
]);

function faulted(state: DashboardState, event: Extract<HarnessEvent, { type: 'fault' }>): DashboardState {
  const others = state.faults.filter((fault) => fault.id !== event.id);
  const known = state.faults.find((fault) => fault.id === event.id);
  const over =
    event.state === 'healed' ||
    event.state === 'failed' ||
    (event.state === 'confirmed' && MOMENTARY.has(event.verb));
  const fault: LiveFault = {
    id: event.id,
    text: event.text,
    by: event.by,
    confirmed: event.state !== 'requested',
    since: known?.since ?? event.t,
    nodes: event.nodes,
    links: event.links,
  };
  const faults = over ? others : push(others, fault, LIMITS.faults);
  const first = event.by === 'manual' && event.state === 'requested';
  // A runner may tell of a manual fault only once it is confirmed.
  const late = event.by === 'manual' && event.state === 'confirmed' && known === undefined;
  const manual = first || late ? { count: state.manual.count + 1, last: event.text } : state.manual;
  return {
    ...state,
    faults,
    manual,
    faultSpans: spans(state.faultSpans, anythingBroken(state.nodes, faults), event.t),
  };
}

const anythingBroken = (nodes: DashboardState['nodes'], faults: readonly LiveFault[]): boolean =>
  faults.length > 0 ||
  Object.values(nodes).some((node) => node.upSince === null && node.life === 'down') ||
  Object.values(nodes).some((node) => node.life === 'paused');

/** Who leads after this event, whether two did in one term, and how long nobody has. */
function withLeadership(state: DashboardState, event: HarnessEvent): DashboardState {
  if (event.type === 'life') {
    const faultSpans =
      state.phase === 'done' || state.phase === 'stopping'
        ? state.faultSpans
        : spans(state.faultSpans, anythingBroken(state.nodes, state.faults), event.t);
    return lead({ ...state, faultSpans }, event.t);
  }
  if (event.type === 'status') {
    return lead(event.role === 'leader' ? claimed(state, event.node, event.term ?? 0) : state, event.t);
  }
  if (event.type === 'link') return lead(state, event.t);
  if (event.type === 'trace' && event.trace.type === 'BecomeLeader') {
    return claimed(state, event.node, event.trace.term);
  }
  return state;
}

function withEventLine(next: DashboardState, before: DashboardState, event: HarnessEvent): DashboardState {
  if (event.type === 'trace' || event.type === 'ops') return next;
  const roles: Record<string, { role: string; term: number }> = {};
  for (const node of Object.values(before.nodes)) {
    if (node.status !== null) roles[node.id] = node.status;
  }
  const line = eventLine(event, {
    steps: before.steps.length,
    roles,
    leaderlessSince: before.leadership.gapSince,
  });
  const lines: EventLine[] = line === null ? [] : [line];
  if (next.leadership.gapSince !== null && before.leadership.gapSince === null) {
    lines.push({
      t: event.t,
      kind: 'gap',
      text: `no majority follows ${before.leadership.standing?.node ?? 'anybody'} any more (term ${before.leadership.standing?.term ?? before.leadership.term})`,
      detail: '',
      level: 'warn',
    });
  }
  if (next.leadership.gapSince === null && before.leadership.gapSince !== null) {
    lines.push({
      t: event.t,
      kind: 'gap',
      text: `no leader for ${durationText(event.t - before.leadership.gapSince)}`,
      detail: '',
      level: 'good',
    });
  }
  if (lines.length === 0) return next;
  let events = next.events;
  const last = events.at(-1);
  // While nobody leads, operations time out by the dozen: one line a second, or nothing else would be seen.
  if (line?.kind === 'op' && last?.kind === 'op' && line.t - last.t < 1_000) {
    return { ...next, events: [...events.slice(0, -1), { ...last, more: (last.more ?? 0) + 1 }] };
  }
  for (const item of lines) events = push(events, item, LIMITS.events);
  return {
    ...next,
    events,
    eventsDropped: next.eventsDropped + before.events.length + lines.length - events.length,
  };
}
