import { readFile } from 'node:fs/promises';
import type { ImportedHistory, ReadOptions } from './formats/history.ts';
import { type Flaw, Problems } from './history-error.ts';
import { decodeLine } from './line.ts';
import { completedOp, openOp } from './op-of-lines.ts';
import type { HistoryLine, Op } from './op.ts';

/** Reads a `history.jsonl`. Rejects with HistoryError, or with the system's error if the file cannot be read. */
export async function readHistory(path: string): Promise<readonly Op[]> {
  return parseHistory(await readFile(path, 'utf8'), path);
}

/**
 * The operations of a history, in order of invocation. An operation without a completion is `info` (it stays open). A
 * killed writer leaves a last line without its newline that is not whole JSON: it is left out, which leaves its
 * operation open and so loses no truth. Empty text is an empty history. Throws HistoryError.
 */
export const parseHistory = (text: string, file = 'history'): readonly Op[] =>
  readChaosHistory(text, { file }).ops;

/** The same with the lines of the operations. Throws HistoryError. */
export function readChaosHistory(text: string, { file, initial, onOp }: ReadOptions): ImportedHistory {
  const pairing = new OperationPairing(onOp);
  const problems = new Problems(text);
  const notes: string[] = [];
  let number = 0;
  for (let from = 0; from < text.length && !problems.full;) {
    const newline = text.indexOf('\n', from);
    const lineFrom = from;
    const line = text.slice(from, newline < 0 ? text.length : newline);
    from += line.length + 1;
    number++;
    if (line.trim() === '') continue;
    const decoded = decodeLine(line);
    if (decoded.ok) {
      const objection = pairing.add(decoded.line, number);
      if (objection === null) continue;
      const [message, mend] = objection;
      problems.add({ from: lineFrom, to: lineFrom + line.trimEnd().length, message, mend });
    } else if (newline < 0 && decoded.json) notes.push('The last line is cut off and was left out.');
    else problems.add(shifted(decoded.flaw, lineFrom));
  }
  problems.throwIfAny(file);
  const { ops, lines } = pairing.finish();
  return {
    format: 'chaos',
    ops,
    lists: false,
    lines,
    clock: 'time',
    initial: initial ?? null,
    processNames: NO_NAMES,
    notes,
  };
}

/** Processes are numbers. */
const NO_NAMES: ReadonlyMap<number, string> = new Map();

const shifted = (flaw: Flaw, by: number): Flaw => ({ ...flaw, from: flaw.from + by, to: flaw.to + by });

/** An operation, as an open one until it completes, its place among all, and where its lines are (0: nowhere). */
interface Pair {
  op: Op;
  readonly position: number;
  readonly callLine: number;
  returnLine: number;
}

/** A mistake and its likely correction. */
type Objection = readonly [message: string, mend: string];

const ORDER = 'lines are doubled, missing or out of order';

/** Puts invocations and completions together. */
class OperationPairing {
  readonly #onOp: ReadOptions['onOp'];
  readonly #pairs = new Map<number, Pair>();
  /** The operation that a process has open; absent: none. */
  readonly #open = new Map<number, number>();
  readonly #retired = new Set<number>();
  #lastIndex = -1;
  #lastTime = -1;

  constructor(onOp: ReadOptions['onOp']) {
    this.#onOp = onOp;
  }

  add(line: HistoryLine, number: number): Objection | null {
    if (line.index <= this.#lastIndex)
      return [`index ${line.index} does not rise over ${this.#lastIndex}`, ORDER];
    if (line.time < this.#lastTime) return [`time ${line.time} falls below ${this.#lastTime}`, ORDER];
    this.#lastIndex = line.index;
    this.#lastTime = line.time;
    return line.type === 'invoke' ? this.#invoke(line, number) : this.#complete(line, line.type, number);
  }

  finish(): Pick<ImportedHistory, 'ops' | 'lines'> {
    const pairs = [...this.#pairs.values()];
    if (this.#onOp !== undefined)
      for (const { op, position, returnLine } of pairs) if (returnLine === 0) this.#onOp(op, position);
    return {
      ops: pairs.map(({ op }) => op),
      lines: {
        calls: pairs.map(({ callLine }) => callLine),
        returns: pairs.map(({ returnLine }) => returnLine),
      },
    };
  }

  #invoke(line: HistoryLine, number: number): Objection | null {
    if (this.#pairs.has(line.id))
      return [`operation ${line.id} is invoked twice`, 'ids are unique in a file'];
    if (this.#retired.has(line.process))
      return [
        `process ${line.process} goes on after an unknown outcome (info)`,
        'its operation may take effect at any time, so the client must go on under a new number',
      ];
    const open = this.#open.get(line.process);
    if (open !== undefined)
      return [
        `process ${line.process} invokes ${line.id} while ${open} is open`,
        'a process does one thing at a time: is a completion missing?',
      ];
    this.#pairs.set(line.id, {
      op: openOp(line),
      position: this.#pairs.size,
      callLine: number,
      returnLine: 0,
    });
    this.#open.set(line.process, line.id);
    return null;
  }

  #complete(line: HistoryLine, outcome: Op['outcome'], number: number): Objection | null {
    const pair = this.#pairs.get(line.id);
    if (pair === undefined) return [`operation ${line.id} completes without an invocation`, ORDER];
    if (pair.returnLine > 0) return [`operation ${line.id} completes twice`, 'a line is doubled'];
    const { op } = pair;
    if (op.process !== line.process || op.f !== line.f || op.key !== line.key)
      return [
        `operation ${line.id} was invoked as ${op.f} of ${op.key} by process ${op.process}, ` +
          `but completes as ${line.f} of ${line.key} by process ${line.process}`,
        'process, f and key are the same in both lines',
      ];
    if (op.f !== 'read' && !isSame(op.input, line.value))
      return [
        `operation ${line.id} was invoked with ${JSON.stringify(op.input)}, but completes with ${JSON.stringify(line.value)}`,
        'only a read completes with another value; what a failed cas found is in `found`',
      ];
    this.#open.delete(line.process);
    if (outcome === 'info') this.#retired.add(line.process);
    pair.op = completedOp(op, line, outcome);
    pair.returnLine = number;
    this.#onOp?.(pair.op, pair.position);
    return null;
  }
}

const isSame = (a: HistoryLine['value'], b: HistoryLine['value']): boolean =>
  a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
