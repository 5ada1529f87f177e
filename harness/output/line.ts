import type { HarnessEvent } from '../event.ts';
import { viewAfter, viewOf } from '../view/view.ts';
import { plainEventLine, statLine, type EventLine } from './event-line.ts';
import { eventLines } from './event-lines.ts';

const STAT_EVERY_MS = 10_000;
/**
 * Kinds without a line here: the role line shows the gap, `stat` counts the operations, and the history has every
 * operation.
 */
const LEFT_OUT: ReadonlySet<EventLine['kind']> = new Set(['gap', 'op']);

/**
 * Writes the run as plain lines, one per event, for pipes, CI and terminals that cannot redraw. It uses no cursor codes
 * and no colours.
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
  // The reader has closed the pipe (`| head`): the run continues, but its lines are no longer written.
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

/** Turns events into lines, and keeps the data for the `stat` line. */
export class LineOutput {
  #view = viewOf([]);
  #steps = 0;
  #recent: Extract<HarnessEvent, { type: 'ops' }>[] = [];
  #judgedTo: number | null = null;
  #nextStat = STAT_EVERY_MS;

  /** The lines for this event, each with its line end; often none. */
  take(event: HarnessEvent): string {
    const before = this.#view;
    this.#view = viewAfter(before, event);
    const lines = eventLines(before, this.#view, event, this.#steps);
    if (event.type === 'run') this.#steps = event.steps.length;
    if (event.type === 'checked') this.#judgedTo = event.to;
    const shown = lines.filter((line) => !LEFT_OUT.has(line.kind));
    const text = shown.map((line) => `${plainEventLine(line)}\n`).join('');
    if (event.type !== 'ops') return text;
    this.#recent.push(event);
    return event.t >= this.#nextStat ? text + this.#stat(event.t) : text;
  }

  #stat(t: number): string {
    this.#nextStat = (Math.floor(t / STAT_EVERY_MS) + 1) * STAT_EVERY_MS;
    const recent = this.#recent.filter((window) => window.t > t - STAT_EVERY_MS);
    this.#recent = recent;
    const okPerSecond = recent.map(({ ok, windowMs }) => (windowMs > 0 ? (ok * 1_000) / windowMs : 0));
    const p99s = recent.flatMap(({ p99 }) => (p99 === null ? [] : [p99]));
    const p50s = recent.flatMap(({ p50 }) => (p50 === null ? [] : [p50])).sort((a, b) => a - b);
    const line = statLine({
      t,
      total: this.#view.totals,
      okPerSecond: okPerSecond.reduce((sum, each) => sum + each, 0) / Math.max(1, recent.length),
      p50: p50s[Math.floor(p50s.length / 2)] ?? null,
      p99: p99s.length === 0 ? null : Math.max(...p99s),
      leader: this.#view.leadership.leader,
      judgedTo: this.#judgedTo,
    });
    return `${plainEventLine(line)}\n`;
  }
}
