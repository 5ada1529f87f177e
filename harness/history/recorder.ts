import { encodeLine } from './line.ts';
import type { HistoryLine, Op, OpFunction, OpOutcome, RegisterValue } from './op.ts';

/** An operation before anything is known of its end. */
export interface Invocation {
  readonly process: number;
  readonly f: OpFunction;
  readonly key: string;
  readonly input: Op['input'];
  /** The node that is asked first. */
  readonly node: string;
}

/** The end of an operation. */
export interface Completion {
  readonly outcome: OpOutcome;
  /** ok read: the value read; failed cas: the value found. */
  readonly output?: RegisterValue;
  readonly error?: string;
  readonly node: string;
  readonly attempts: number;
}

/** An operation that was invoked and has not completed. */
export interface OpenOp {
  readonly id: number;
  readonly callNs: number;
  /** The same time in ms, as in `Op`. */
  readonly call: number;
  readonly invocation: Invocation;
}

export interface RecorderOptions {
  /** Nanoseconds since the run began, an integer that never falls. */
  readonly nowNs: () => number;
  /** A line of the history, without its newline. */
  readonly append: (line: string) => void;
  /** Each operation as it begins and ends, in order of time. */
  readonly onInvoke?: (open: OpenOp) => void;
  readonly onComplete?: (op: Op) => void;
}

/**
 * Records the history as it happens: numbers operations and lines, stamps times. It keeps only open operations, so that
 * memory does not grow with the run; the file has the rest. Call `invoke` before the first byte is sent and `complete`
 * after the answer was read, so that the recorded interval contains the true one.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #open = new Set<number>();
  #nextId = 0;
  #nextIndex = 0;
  #lastNs = -1;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  get invoked(): number {
    return this.#nextId;
  }

  invoke(invocation: Invocation): OpenOp {
    const callNs = this.#stamp();
    const op: OpenOp = { id: this.#nextId++, callNs, call: callNs / NS_PER_MS, invocation };
    this.#open.add(op.id);
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
    this.#options.onInvoke?.(op);
    return op;
  }

  complete(open: OpenOp, completion: Completion): Op {
    if (!this.#open.delete(open.id)) throw new Error(`operation ${open.id} completes twice`);
    const timeNs = this.#stamp();
    const op = toOp(open, completion, timeNs);
    this.#line(completionLine(this.#nextIndex++, timeNs, op));
    this.#options.onComplete?.(op);
    return op;
  }

  #line(line: HistoryLine): void {
    this.#options.append(encodeLine(line));
  }

  /** Strictly rising: two readings in one nanosecond would lose their order in the file. */
  #stamp(): number {
    this.#lastNs = Math.max(this.#options.nowNs(), this.#lastNs + 1);
    return this.#lastNs;
  }
}

/** Keeps the operations of a recorder, for short runs that are checked in the same process. */
export function keepOps(): Required<Pick<RecorderOptions, 'onInvoke' | 'onComplete'>> & {
  /** Every operation so far, in order of invocation; open ones as `info`. */
  readonly ops: () => readonly Op[];
} {
  const ended: Op[] = [];
  const open = new Map<number, OpenOp>();
  return {
    onInvoke: (op) => void open.set(op.id, op),
    onComplete: (op) => {
      open.delete(op.id);
      ended[op.id] = op;
    },
    ops: () => {
      for (const op of open.values()) {
        const { node } = op.invocation;
        ended[op.id] = toOp(op, { outcome: 'info', node, attempts: 1 }, null);
      }
      return ended;
    },
  };
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
    call: open.call,
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
