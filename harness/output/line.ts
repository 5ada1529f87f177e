import type { HarnessEvent } from '../event.ts';
import { plainEventLine, statLine, type EventLine } from './event-line.ts';
import { reduce } from '../dashboard/reducer.ts';
import { EMPTY_STATE, type DashboardState } from '../dashboard/state.ts';

const STAT_EVERY_MS = 10_000;
/** The role line carries the gap, and `stat` counts the operations, of which the history has each. */
const LEFT_OUT: ReadonlySet<EventLine['kind']> = new Set(['gap', 'op']);

/**
 * The run as plain lines, one an event, for pipes, CI and terminals that cannot redraw. No cursor codes, no colours.
 */
export function startLineOutput({
  subscribe,
  stdout,
}: {
  readonly subscribe: (listener: (event: HarnessEvent) => void) => () => void;
  readonly stdout: NodeJS.WritableStream;
}): { stop(): void } {
  const lines = new LineOutput();
  let open = true;
  const write = (text: string): void => {
    if (open && text !== '') stdout.write(text);
  };
  // Whoever read it is gone (`| head`): the run goes on and says nothing more here.
  const closed = (): void => {
    open = false;
  };
  stdout.on('error', closed);
  const unsubscribe = subscribe((event) => write(lines.take(event)));
  return {
    stop: () => {
      unsubscribe();
      open = false;
      stdout.off('error', closed);
    },
  };
}

/** Turns events into lines; keeps what `stat` needs. */
export class LineOutput {
  #state: DashboardState = EMPTY_STATE;
  #nextStat = STAT_EVERY_MS;

  /** The lines that this event makes, each with its line end; often none. */
  take(event: HarnessEvent): string {
    const before = this.#state;
    this.#state = reduce(before, event);
    const fresh =
      this.#state.events.length + this.#state.eventsDropped - before.events.length - before.eventsDropped;
    const lines =
      fresh === 0 ? [] : this.#state.events.slice(-fresh).filter((line) => !LEFT_OUT.has(line.kind));
    const text = lines.map((line) => `${plainEventLine(line)}\n`).join('');
    return event.type === 'ops' && event.t >= this.#nextStat ? text + this.#stat(event.t) : text;
  }

  #stat(t: number): string {
    this.#nextStat = (Math.floor(t / STAT_EVERY_MS) + 1) * STAT_EVERY_MS;
    const { ops, totals, leadership, judged } = this.#state;
    const recent = ops.filter((point) => point.t > t - STAT_EVERY_MS);
    const p99s = recent.flatMap((point) => (point.p99 === null ? [] : [point.p99]));
    const p50s = recent.flatMap((point) => (point.p50 === null ? [] : [point.p50])).sort((a, b) => a - b);
    const line = statLine({
      t,
      total: totals,
      okPerSecond: recent.reduce((sum, point) => sum + point.okPerSecond, 0) / Math.max(1, recent.length),
      p50: p50s[Math.floor(p50s.length / 2)] ?? null,
      p99: p99s.length === 0 ? null : Math.max(...p99s),
      leader: leadership.leader,
      judgedTo: judged?.to ?? null,
    });
    return `${plainEventLine(line)}\n`;
  }
}
