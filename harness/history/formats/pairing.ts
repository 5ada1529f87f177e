import type { Op } from '../op.ts';
import type { Invocation } from '../recorder.ts';
import type { HistoryClock, Lines } from './history.ts';

/** Place of an event: its line from 1, and its time in ns if it has a usable one. */
export interface Moment {
  readonly line: number;
  readonly timeNs: number | null;
}

/** The completion of an operation. */
export interface Ending {
  readonly outcome: Op['outcome'];
  /** Replaces the input of the invocation, because a completion may say more. */
  readonly input?: Op['input'];
  readonly output?: Op['output'];
  readonly error?: string;
}

type OpenOperation = { -readonly [Field in keyof Op]: Op[Field] };
/** A mistake and its likely correction. */
type Objection = readonly [message: string, mend: string];

const NS_PER_MS = 1e6;

/**
 * Puts the events of a history together to operations where only the process tells which completion belongs to which
 * invocation, as in Jepsen: a process does one thing at a time, and nothing more after an unknown outcome.
 */
export class Pairing {
  readonly #ops: OpenOperation[] = [];
  readonly #callLines: number[] = [];
  readonly #returnLines: number[] = [];
  /** The operation that a process has open; −1: it retired after an unknown outcome. */
  readonly #open = new Map<number, number>();
  /** Of every event in order: its time in ms, and its line; null once it does not rise. */
  #times: number[] | null = [];
  #lines: number[] | null = [];
  #events = 0;

  invoke({ process, f, key, input, node }: Invocation, { line, timeNs }: Moment): Objection | null {
    const open = this.#open.get(process);
    if (open === RETIRED)
      return [
        `process ${process} goes on after an unknown outcome (info)`,
        'its operation may take effect at any time, so the client must go on under a new number',
      ];
    if (open !== undefined)
      return [
        `process ${process} invokes ${f} while its ${this.#ops[open]!.f} of line ${this.#callLines[open]} is open`,
        'a process does one thing at a time: is a completion missing, or this line doubled?',
      ];
    const id = this.#ops.length;
    this.#open.set(process, id);
    this.#callLines.push(line);
    this.#returnLines.push(0);
    this.#ops.push({
      id,
      process,
      key,
      f,
      input,
      call: this.#count(line, timeNs),
      return: Infinity,
      outcome: 'info',
      node,
      attempts: 1,
    });
    return null;
  }

  /** The open operation of a process, or the mistake if it cannot complete anything. */
  openOf(process: number): Readonly<Op> | Objection {
    const open = this.#open.get(process);
    if (open !== undefined && open !== RETIRED) return this.#ops[open]!;
    return [
      `process ${process} completes an operation, but has none open`,
      'is its invocation missing, or this line doubled or out of order?',
    ];
  }

  complete(op: Readonly<Op>, { outcome, input, output, error }: Ending, { line, timeNs }: Moment): void {
    const draft = this.#ops[op.id]!;
    const at = this.#count(line, timeNs);
    this.#returnLines[op.id] = line;
    this.#open.set(op.process, RETIRED);
    draft.outcome = outcome;
    if (outcome === 'info') draft.gaveUp = at;
    else {
      draft.return = at;
      this.#open.delete(op.process);
    }
    if (input !== undefined) draft.input = input;
    if (output !== undefined) draft.output = output;
    if (error !== undefined) draft.error = error;
  }

  /** Every operation in order of invocation; open ones stay `info`. */
  finish(): { readonly ops: readonly Op[]; readonly lines: Lines; readonly clock: HistoryClock } {
    const lines = { calls: this.#callLines, returns: this.#returnLines };
    const clock = this.#times !== null ? 'time' : this.#lines !== null ? 'line' : 'event';
    const moments = this.#times ?? this.#lines;
    if (moments === null) return { ops: this.#ops, lines, clock };
    for (const op of this.#ops) {
      op.call = moments[op.call]!;
      if (op.return !== Infinity) op.return = moments[op.return]!;
      if (op.gaveUp !== undefined) op.gaveUp = moments[op.gaveUp]!;
    }
    return { ops: this.#ops, lines, clock };
  }

  /**
   * Counts events. Their order in the text is the true order. Times or lines that rise with it mean the same and are
   * more useful to people, so they replace the counts at the end. Times that do not rise would make events concurrent
   * that were not.
   */
  #count(line: number, timeNs: number | null): number {
    this.#times = timeNs === null ? null : pushRising(this.#times, timeNs / NS_PER_MS);
    this.#lines = pushRising(this.#lines, line);
    return this.#events++;
  }
}

function pushRising(all: number[] | null, next: number): number[] | null {
  if (all === null || next <= (all.at(-1) ?? -Infinity)) return null;
  all.push(next);
  return all;
}

const RETIRED = -1;
