import { readFile } from 'node:fs/promises';
import { decodeLine, type LineError } from './line.ts';
import type { HistoryLine, Op } from './op.ts';

/** A history that cannot be judged: every faulty line, as `file:line: what`. */
export class HistoryError extends Error {
  readonly file: string;
  readonly errors: readonly LineError[];

  constructor(file: string, errors: readonly LineError[]) {
    const shown = errors.slice(0, SHOWN_ERRORS).map((error) => `${file}:${error.line}: ${error.message}`);
    if (errors.length > shown.length) shown.push(`… and ${errors.length - shown.length} more`);
    super(shown.join('\n'));
    this.name = 'HistoryError';
    this.file = file;
    this.errors = errors;
  }
}
const SHOWN_ERRORS = 20;

/** Reads a `history.jsonl`. Rejects with HistoryError, or with the system's error if the file cannot be read. */
export async function readHistory(path: string): Promise<readonly Op[]> {
  return parseHistory(await readFile(path, 'utf8'), path);
}

/**
 * The operations of a history, in order of invocation. An operation without a completion is `info` (it stays open). A
 * last line without its newline that is not whole JSON is what a killed writer leaves behind: it is passed over, which
 * leaves its operation open and so loses no truth. Empty text is an empty history. Throws HistoryError.
 */
export function parseHistory(text: string, file = 'history'): readonly Op[] {
  const pairing = new Pairing();
  const errors: LineError[] = [];
  let number = 0;
  for (let from = 0; from < text.length;) {
    const newline = text.indexOf('\n', from);
    const to = newline < 0 ? text.length : newline;
    const line = text.slice(from, to).trim();
    from = to + 1;
    number++;
    if (line === '') continue;
    const decoded = decodeLine(line);
    if (typeof decoded === 'string') {
      const torn = newline < 0 && decoded.startsWith('not JSON');
      if (!torn) errors.push({ line: number, message: decoded });
      continue;
    }
    const message = pairing.add(decoded);
    if (message !== null) errors.push({ line: number, message });
  }
  if (errors.length > 0) throw new HistoryError(file, errors);
  return pairing.ops();
}

/** Puts invocations and completions together. */
class Pairing {
  readonly #invocations = new Map<number, HistoryLine>();
  readonly #done = new Map<number, Op>();
  /** The operation that a process has open; absent: none. */
  readonly #open = new Map<number, number>();
  readonly #retired = new Set<number>();
  #lastIndex = -1;
  #lastTime = -1;

  /** Null, or what is wrong. */
  add(line: HistoryLine): string | null {
    if (line.index <= this.#lastIndex) return `index ${line.index} does not rise over ${this.#lastIndex}`;
    if (line.time < this.#lastTime) return `time ${line.time} falls below ${this.#lastTime}`;
    this.#lastIndex = line.index;
    this.#lastTime = line.time;
    return line.type === 'invoke' ? this.#invoke(line) : this.#complete(line, line.type);
  }

  ops(): readonly Op[] {
    return [...this.#invocations.values()].map((line) => this.#done.get(line.id) ?? openOp(line));
  }

  #invoke(line: HistoryLine): string | null {
    if (this.#invocations.has(line.id)) return `operation ${line.id} is invoked twice`;
    if (this.#retired.has(line.process))
      return `process ${line.process} goes on after an unknown outcome (info); it must take a new number`;
    const open = this.#open.get(line.process);
    if (open !== undefined) return `process ${line.process} invokes ${line.id} while ${open} is open`;
    this.#invocations.set(line.id, line);
    this.#open.set(line.process, line.id);
    return null;
  }

  #complete(line: HistoryLine, outcome: Op['outcome']): string | null {
    const call = this.#invocations.get(line.id);
    if (call === undefined) return `operation ${line.id} completes without an invocation`;
    if (this.#done.has(line.id)) return `operation ${line.id} completes twice`;
    if (call.process !== line.process || call.f !== line.f || call.key !== line.key)
      return (
        `operation ${line.id} was invoked as ${call.f} of ${call.key} by process ${call.process}, ` +
        `but completes as ${line.f} of ${line.key} by process ${line.process}`
      );
    this.#open.delete(line.process);
    if (outcome === 'info') this.#retired.add(line.process);
    this.#done.set(line.id, completedOp(call, line, outcome));
    return null;
  }
}

function completedOp(call: HistoryLine, line: HistoryLine, outcome: Op['outcome']): Op {
  const output = outputOf(line, outcome);
  return {
    ...invoked(call),
    return: outcome === 'info' ? Infinity : line.time / NS_PER_MS,
    outcome,
    ...(output === undefined ? {} : { output }),
    ...(line.error === undefined ? {} : { error: line.error }),
    node: line.node,
    attempts: line.attempts ?? 1,
    ...(outcome === 'info' ? { gaveUp: line.time / NS_PER_MS } : {}),
  };
}

function outputOf(line: HistoryLine, outcome: Op['outcome']): Op['output'] {
  if (line.f === 'read') return outcome === 'ok' ? (line.value as string | null) : undefined;
  return line.f === 'cas' && outcome === 'fail' ? line.found : undefined;
}

const openOp = (call: HistoryLine): Op => ({
  ...invoked(call),
  return: Infinity,
  outcome: 'info',
  node: call.node,
  attempts: call.attempts ?? 1,
});

const invoked = (call: HistoryLine): Pick<Op, 'id' | 'process' | 'key' | 'input' | 'f' | 'call'> => ({
  id: call.id,
  process: call.process,
  key: call.key,
  input: call.value,
  f: call.f,
  call: call.time / NS_PER_MS,
});
const NS_PER_MS = 1e6;
