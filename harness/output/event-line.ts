import type { HarnessEvent } from '../event.ts';
import { stopText } from '../stall.ts';
import { printableLine } from '../printable.ts';
import { clockText, durationText, latencyText } from './format.ts';

/** One line about one event, for the events panel and the line output. */
export interface EventLine {
  /** ms since the run began. */
  readonly t: number;
  /** A word of at most 6 letters for the second column. `MANUAL` marks the user's actions. */
  readonly kind:
    | 'run'
    | 'phase'
    | 'fault'
    | 'MANUAL'
    | 'role'
    | 'gap'
    | 'node'
    | 'step'
    | 'op'
    | 'check'
    | 'stat'
    | 'hold'
    | 'note'
    | 'done'
    | 'FAIL'
    | 'log';
  readonly text: string;
  /** Details as `key=value`, in a stable order; drawn at the right or appended. */
  readonly detail: string;
  readonly level: 'info' | 'good' | 'warn' | 'bad';
  /** Number of further lines of the same kind that this line replaces. */
  readonly more?: number;
}

/** State before the event that `eventLine` needs: the leader and the time without one. */
export interface LineContext {
  readonly steps: number;
  /** Reported roles before this event, by node; a missing node counts as a follower. */
  readonly roles: Readonly<Record<string, { readonly role: string; readonly term: number }>>;
  /** Time since which there is no standing leader, or null. */
  readonly leaderlessSince: number | null;
}

/** The line for an event, or null if it has none (statuses without a change, traces, windows of operations). */
export function eventLine(event: HarnessEvent, context: LineContext): EventLine | null {
  const line = (
    kind: EventLine['kind'],
    text: string,
    detail: string,
    level: EventLine['level'] = 'info',
  ): EventLine => ({
    t: event.t,
    kind,
    text,
    detail,
    level,
  });
  switch (event.type) {
    case 'run': {
      const links = `${event.links.kind}-${event.links.version}`;
      return line(
        'run',
        event.scenario,
        `seed=${event.seed}${event.stage === undefined ? '' : ` stage=${event.stage}`} nodes=${event.nodes.length} links=${links} out=${event.out}`,
      );
    }
    case 'phase':
      return line('phase', event.phase, '');
    case 'life':
      return lifeLine(event, line);
    case 'status':
      return roleLine(event, context, line);
    case 'trace':
    case 'link':
    case 'ops':
    case 'checked':
      return null;
    case 'log':
      if (event.level === 'debug' || event.level === 'info') return null;
      return line('log', `${event.node}: ${event.message}`, '', event.level === 'error' ? 'bad' : 'warn');
    case 'step': {
      const where = `step=${event.index + 1}${event.path === undefined ? '' : `.${event.path}`}/${context.steps}`;
      const detail = `${event.state} ${where}${event.detail === undefined ? '' : ` ${event.detail}`}`;
      return line(
        'step',
        event.text,
        detail,
        event.state === 'failed' ? 'bad' : event.state === 'ok' ? 'good' : 'info',
      );
    }
    case 'fault': {
      if (event.state === 'requested' || event.state === 'healing') return null;
      const took = event.tookMs === undefined ? '' : `=${durationText(event.tookMs)}`;
      const detail = [
        `${event.state}${took}`,
        event.by === 'cleanup' ? 'by=cleanup' : '',
        event.detail ?? '',
      ];
      const level = event.state === 'failed' ? 'bad' : event.state === 'healed' ? 'good' : 'warn';
      return line(
        event.by === 'manual' ? 'MANUAL' : 'fault',
        event.text,
        detail.filter((part) => part !== '').join(' '),
        level,
      );
    }
    case 'op':
      return line('op', `${event.node} ${event.text}`, '', 'warn');
    case 'stall':
      return line('note', stopText(event.t - event.from), `from=${clockText(event.from)}`, 'warn');
    case 'hold':
      return line('hold', event.held ? 'scenario clock held' : 'scenario clock runs', '');
    case 'violation':
      return line(
        'FAIL',
        event.text,
        `${event.property}${event.key === undefined ? '' : ` key=${event.key}`}${event.live === true ? ' live' : ''}`,
        'bad',
      );
    case 'check': {
      const took = event.tookMs === undefined ? '' : ` took=${durationText(event.tookMs)}`;
      const level =
        event.state === 'pass'
          ? 'good'
          : event.state === 'fail'
            ? 'bad'
            : event.state === 'unknown'
              ? 'warn'
              : 'info';
      return line('check', `${event.name}=${event.state}`, `${event.detail}${took}`.trim(), level);
    }
    case 'note':
      return line(
        'note',
        event.text,
        event.level === 'info' ? '' : event.level,
        event.level === 'error' ? 'bad' : event.level === 'warn' ? 'warn' : 'info',
      );
    case 'verdict': {
      const level = event.verdict === 'pass' ? 'good' : event.verdict === 'inconclusive' ? 'warn' : 'bad';
      return line(
        'done',
        event.verdict === 'pass' ? 'PASS' : event.verdict.toUpperCase(),
        `exit=${event.exitCode} report=${event.report}`,
        level,
      );
    }
    default:
      return event satisfies never;
  }
}

/** `00:05.004 fault  cut n1<->n2  confirmed=4ms`: the line output's form, without a line end. */
export function plainEventLine(line: EventLine): string {
  const text = `${clockText(line.t)} ${line.kind.padEnd(6)} ${line.text}${line.detail === '' ? '' : ` ${line.detail}`}`;
  // Each event is exactly one line, even if a message contains line ends.
  return printableLine(text.replace(/\s*[\r\n]+\s*/g, ' '));
}

/** `stat`: progress of the load, written from time to time by the line output. */
export function statLine(options: {
  readonly t: number;
  readonly total: {
    readonly invoked: number;
    readonly ok: number;
    readonly fail: number;
    readonly info: number;
  };
  readonly okPerSecond: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly leader: string | null;
  /** Time up to which linearizability is checked; null if it is not checked live. */
  readonly judgedTo: number | null;
}): EventLine {
  const { t, total, okPerSecond, p50, p99, leader, judgedTo } = options;
  const ops = `ops=${total.invoked} ok=${total.ok} fail=${total.fail} unknown=${total.info}`;
  const latency = `p50=${p50 === null ? '-' : `${latencyText(p50)}ms`} p99=${p99 === null ? '-' : `${latencyText(p99)}ms`}`;
  const checked = judgedTo === null ? '' : ` checked=${clockText(judgedTo, 0)}`;
  return {
    t,
    kind: 'stat',
    text: ops,
    detail: `rate=${Math.round(okPerSecond)}/s ${latency} leader=${leader ?? 'none'}${checked}`,
    level: 'info',
  };
}

type MakeLine = (
  kind: EventLine['kind'],
  text: string,
  detail: string,
  level?: EventLine['level'],
) => EventLine;

function lifeLine(event: Extract<HarnessEvent, { type: 'life' }>, line: MakeLine): EventLine | null {
  const { node, life, pid, exit } = event;
  if (life === 'starting') return null;
  if (life === 'stopping') return null;
  if (life === 'up') return line('node', `${node} UP`, pid === null ? '' : `pid=${pid}`, 'good');
  if (life === 'paused') return line('node', `${node} PAUSED`, '', 'warn');
  const how = exit === undefined ? '' : exit.signal === null ? `exit=${exit.code}` : `signal=${exit.signal}`;
  if (exit === undefined || exit.expected) return line('node', `${node} DOWN`, how, 'warn');
  return line('node', `${node} DOWN by itself: ${exit.stderr.trim().split('\n').at(-1) ?? ''}`, how, 'bad');
}

/**
 * A line for a change of role or term, which shows the course of an election; other changes of a status have no line.
 */
function roleLine(
  event: Extract<HarnessEvent, { type: 'status' }>,
  context: LineContext,
  line: MakeLine,
): EventLine | null {
  const before = context.roles[event.node];
  if (event.role === (before?.role ?? 'follower'))
    return before?.term === event.term || event.role === 'follower' ? null : roleText(event, context, line);
  return roleText(event, context, line);
}

function roleText(
  event: Extract<HarnessEvent, { type: 'status' }>,
  context: LineContext,
  line: MakeLine,
): EventLine {
  const { node, role, term } = event;
  if (role !== 'leader') return line('role', `${node} ${role}`, `term=${term}`);
  const gap =
    context.leaderlessSince === null ? '' : ` gap=${durationText(event.t - context.leaderlessSince)}`;
  return line('role', `${node} LEADER`, `term=${term}${gap}`, 'good');
}
