import { encodeLine } from './line.ts';
import type { HistoryLine, Op, OpFunction, OpOutcome, RegisterValue } from './op.ts';

/** What an operation is, before anything is known of its end. */
export interface Invocation {
  readonly process: number;
  readonly f: OpFunction;
  readonly key: string;
  readonly input: Op['input'];
  /** The node that is asked first. */
  readonly node: string;
}

/** How it ended. */
export interface Completion {
  readonly outcome: OpOutcome;
  /** ok read: what was read; failed cas: what was found. */
  readonly output?: RegisterValue;
  readonly error?: string;
  readonly node: string;
  readonly attempts: number;
}

/** An operation that was invoked and has not completed. */
export interface OpenOp {
  readonly id: number;
  readonly callNs: number;
  readonly invocation: Invocation;
}

/**
 * Writes the history down as it happens: numbers operations and lines, stamps times, keeps the operations for the
 * checker. Call `invoke` before the first byte is sent and `complete` after the answer was read, so that the recorded
 * interval holds the true one.
 */
export class Recorder {
  readonly #nowNs: () => number;
  readonly #append: (line: string) => void;
  readonly #ops: Op[] = [];
  readonly #open = new Map<number, OpenOp>();
  #nextId = 0;
  #nextIndex = 0;
  #lastNs = -1;

  /** `nowNs`: nanoseconds since the run began, an integer that never falls. */
  constructor(options: { nowNs: () => number; append: (line: string) => void }) {
    this.#nowNs = options.nowNs;
    this.#append = options.append;
  }

  get invoked(): number {
    return this.#nextId;
  }

  invoke(invocation: Invocation): OpenOp {
    const op: OpenOp = { id: this.#nextId++, callNs: this.#stamp(), invocation };
    this.#open.set(op.id, op);
    const { process, f, key, input, node } = invocation;
    this.#line({
      index: this.#nextIndex++,
      id: op.id,
      process,
      type: 'invoke',
      f,
      key,
      value: input,
      time: op.callNs,
      node,
    });
    return op;
  }

  complete(open: OpenOp, completion: Completion): Op {
    if (!this.#open.delete(open.id)) throw new Error(`operation ${open.id} completes twice`);
    const timeNs = this.#stamp();
    const op = toOp(open, completion, timeNs);
    this.#ops[op.id] = op;
    this.#line(completionLine(this.#nextIndex++, timeNs, op));
    return op;
  }

  /** Every operation so far, in order of invocation; what is still open as `info`. */
  ops(): readonly Op[] {
    for (const open of this.#open.values()) {
      const { node } = open.invocation;
      this.#ops[open.id] = toOp(open, { outcome: 'info', node, attempts: 1 }, null);
    }
    return this.#ops;
  }

  #line(line: HistoryLine): void {
    this.#append(encodeLine(line));
  }

  /** Strictly rising: two readings in one nanosecond would lose their order in the file. */
  #stamp(): number {
    this.#lastNs = Math.max(this.#nowNs(), this.#lastNs + 1);
    return this.#lastNs;
  }
}

function toOp(open: OpenOp, completion: Completion, timeNs: number | null): Op {
  const { process, f, key, input } = open.invocation;
  const { outcome, output, error, node, attempts } = completion;
  const known = outcome !== 'info' && timeNs !== null;
  return {
    id: open.id,
    process,
    f,
    key,
    input,
    call: open.callNs / NS_PER_MS,
    return: known ? timeNs / NS_PER_MS : Infinity,
    outcome,
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    node,
    attempts,
    ...(known || timeNs === null ? {} : { gaveUp: timeNs / NS_PER_MS }),
  };
}

function completionLine(index: number, time: number, op: Op): HistoryLine {
  const readValue = op.f === 'read' && op.outcome === 'ok';
  return {
    index,
    id: op.id,
    process: op.process,
    type: op.outcome,
    f: op.f,
    key: op.key,
    value: readValue ? (op.output ?? null) : op.input,
    time,
    node: op.node,
    ...(op.f === 'cas' && op.output !== undefined ? { found: op.output } : {}),
    ...(op.error === undefined ? {} : { error: op.error }),
    attempts: op.attempts,
  };
}
const NS_PER_MS = 1e6;
