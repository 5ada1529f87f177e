import type { Lines, ReadOptions } from './formats/history.ts';
import { completedOp, msOf, openOp } from './op-of-lines.ts';
import type { HistoryLine, Op } from './op.ts';

/** A mistake and its likely correction. */
type Objection = readonly [message: string, mend: string];

const ORDER = 'lines are repeated, missing or out of order';

/** Makes operations from the invocations and completions of a `history.jsonl`. */
export class OperationPairing {
  readonly #onOp: ReadOptions['onOp'];
  /** By position: the operation, which is open until it completes, and the numbers of its two lines (0: none). */
  readonly #ops: Op[] = [];
  readonly #calls: number[] = [];
  readonly #returns: number[] = [];
  /** Positions by id; null as long as each id equals the position of its operation, as in the recorder's files. */
  #positions: Map<number, number> | null = null;
  /** Id of the open operation of each process that has one. */
  readonly #open = new Map<number, number>();
  readonly #retired = new Set<number>();
  #lastIndex = -1;
  #lastTime = -1;
  /** Time of the last event in ms: of lines with one time, each is a little later than the one before. */
  #now = -1;

  constructor(onOp: ReadOptions['onOp']) {
    this.#onOp = onOp;
  }

  /** Number of operations so far. */
  get size(): number {
    return this.#ops.length;
  }

  add(line: HistoryLine, number: number): Objection | null {
    if (line.index <= this.#lastIndex)
      return [`index ${line.index} is not greater than ${this.#lastIndex}, the one before`, ORDER];
    if (line.time < this.#lastTime)
      return [`time ${line.time} is less than ${this.#lastTime}, the one before`, ORDER];
    this.#lastIndex = line.index;
    this.#lastTime = line.time;
    this.#now = laterThan(this.#now, msOf(line));
    return line.type === 'invoke' ? this.#invoke(line, number) : this.#complete(line, line.type, number);
  }

  finish(): { readonly ops: readonly Op[]; readonly lines: Lines } {
    if (this.#onOp !== undefined)
      for (const [position, op] of this.#ops.entries())
        if (this.#returns[position] === 0) this.#onOp(op, position);
    return { ops: this.#ops, lines: { calls: this.#calls, returns: this.#returns } };
  }

  #positionOf(id: number): number | undefined {
    if (this.#positions !== null) return this.#positions.get(id);
    return id < this.#ops.length ? id : undefined;
  }

  #invoke(line: HistoryLine, number: number): Objection | null {
    const { id, process } = line;
    if (this.#positionOf(id) !== undefined)
      return [`operation ${id} is invoked twice`, 'ids must be unique in a file'];
    if (this.#retired.has(process))
      return [
        `process ${process} continues after an unknown outcome (info)`,
        'its operation may take effect at any time, so the client must continue under a new number',
      ];
    const open = this.#open.get(process);
    if (open !== undefined)
      return [
        `process ${process} invokes ${id} while ${open} is open`,
        'a process has one open operation at a time: a completion may be missing',
      ];
    const position = this.#ops.length;
    if (this.#positions === null && id !== position)
      this.#positions = new Map(this.#ops.map((op, at) => [op.id, at]));
    this.#positions?.set(id, position);
    this.#ops.push(openOp(line, this.#now));
    this.#calls.push(number);
    this.#returns.push(0);
    this.#open.set(process, id);
    return null;
  }

  #complete(line: HistoryLine, outcome: Op['outcome'], number: number): Objection | null {
    const position = this.#positionOf(line.id);
    if (position === undefined) return [`operation ${line.id} completes without an invocation`, ORDER];
    if (this.#returns[position]! > 0) return [`operation ${line.id} completes twice`, 'a line is repeated'];
    const op = this.#ops[position]!;
    if (op.process !== line.process || op.f !== line.f || op.key !== line.key)
      return [
        `operation ${line.id} was invoked as ${op.f} of ${op.key} by process ${op.process}, ` +
          `but completes as ${line.f} of ${line.key} by process ${line.process}`,
        'process, f and key must be the same in both lines',
      ];
    if (op.f !== 'read' && !isSame(op.input, line.value))
      return [
        `operation ${line.id} was invoked with ${JSON.stringify(op.input)}, but completes with ${JSON.stringify(line.value)}`,
        'only a read completes with another value; what a failed cas found is in `found`',
      ];
    this.#open.delete(line.process);
    if (outcome === 'info') this.#retired.add(line.process);
    const completed = completedOp(op, line, outcome, this.#now);
    this.#ops[position] = completed;
    this.#returns[position] = number;
    this.#onOp?.(completed, position);
    return null;
  }
}

/**
 * The time, or the least number after `last` if it is not later. The lines are in the order of their events, which a
 * coarse clock does not show: by their times alone, events one after the other would count as concurrent.
 */
const laterThan = (last: number, time: number): number =>
  time > last ? time : last + Math.max(last * Number.EPSILON, Number.MIN_VALUE);

function isSame(a: HistoryLine['value'], b: HistoryLine['value']): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a === 'string' || typeof b === 'string') return false;
  return a[0] === b[0] && a[1] === b[1];
}
