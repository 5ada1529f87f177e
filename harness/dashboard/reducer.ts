import type { HarnessEvent } from '../event.ts';
import { eventLines } from '../output/event-lines.ts';
import { pushBounded as push } from '../view/bounded.ts';
import type { LiveFault } from '../view/model.ts';
import { viewAfter } from '../view/view.ts';
import { spans } from './spans.ts';
import { EMPTY_STATE, LIMITS, type DashboardState, type StepState } from './state.ts';

/**
 * The state after one more event. Pure: if the events of `events.jsonl` are folded with it, every screen of the run can
 * be drawn again.
 */
export function reduce(state: DashboardState, event: HarnessEvent): DashboardState {
  const next = withSpans(viewAfter(apply(state, event), event), event);
  return withEventLines(next, state, event);
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
      return event.phase === 'running' ? { ...state, stepsFrom: state.stepsFrom ?? event.t } : state;
    case 'trace':
      return { ...state, tracedTo: event.t };
    case 'life':
    case 'status':
    case 'link':
    case 'log':
    case 'op':
    case 'note':
    case 'stall':
      return state;
    case 'step':
      return {
        ...state,
        steps: state.steps.map((step, index) => (index === event.index ? stepped(step, event) : step)),
      };
    case 'fault':
      return faulted(state, event);
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
      return { ...state, ops: push(state.ops, point, LIMITS.ops) };
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
      return { ...state, verdict: { verdict, exitCode, sentence, report } };
    }
    default:
      return event satisfies never;
  }
}

/**
 * Keeps the first violations, because they explain the rest. A violation that was found live is reported again at the
 * end, with more detail, and replaces the first report.
 */
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
  return {
    ...state,
    run: { run, scenario, file, seed, nodes, links, out },
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

function stepped(step: StepState, event: Extract<HarnessEvent, { type: 'step' }>): StepState {
  if (event.path !== undefined) {
    // A step inside this one (repeat, parallel, random) shows the progress of its parent and does not end it.
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

function faulted(state: DashboardState, event: Extract<HarnessEvent, { type: 'fault' }>): DashboardState {
  const isKnown = state.faults.some((fault) => fault.id === event.id);
  const first = event.by === 'manual' && event.state === 'requested';
  // The runner may report a manual fault only after it is confirmed.
  const late = event.by === 'manual' && event.state === 'confirmed' && !isKnown;
  if (!first && !late) return state;
  return { ...state, manual: { count: state.manual.count + 1, last: event.text } };
}

const anythingBroken = (nodes: DashboardState['nodes'], faults: readonly LiveFault[]): boolean =>
  faults.length > 0 ||
  Object.values(nodes).some((node) => node.upSince === null && node.life === 'down') ||
  Object.values(nodes).some((node) => node.life === 'paused');

/** Opens and closes the time spans that the bands below the charts show. */
function withSpans(state: DashboardState, event: HarnessEvent): DashboardState {
  const { leadership, nodes, faults, phase } = state;
  const isEnding = phase === 'done' || phase === 'stopping';
  const leaderGaps = spans(state.leaderGaps, leadership.gapSince !== null, event.t);
  const changesFaults = event.type === 'fault' || (event.type === 'life' && !isEnding);
  const faultSpans = changesFaults
    ? spans(state.faultSpans, anythingBroken(nodes, faults), event.t)
    : state.faultSpans;
  if (leaderGaps === state.leaderGaps && faultSpans === state.faultSpans) return state;
  return { ...state, leaderGaps, faultSpans };
}

function withEventLines(next: DashboardState, before: DashboardState, event: HarnessEvent): DashboardState {
  const lines = eventLines(before, next, event, before.steps.length);
  if (lines.length === 0) return next;
  let events = next.events;
  const last = events.at(-1);
  const [line] = lines;
  // While no node leads, many operations time out. They share one line per second, because they would hide all other
  // lines.
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
