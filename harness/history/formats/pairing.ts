import type { Op } from '../op.ts';
import type { ImportedHistory } from './history.ts';

/** Place of an event: its line from 1, and its time in ns if it has a usable one. */
export interface Moment {
  readonly line: number;
  readonly timeNs: number | null;
}

/** A process: its number, or its name as EDN text. */
export type ProcessName = number | string;

interface Invocation extends Pick<Op, 'f' | 'input' | 'node' | 'key'> {
  readonly process: ProcessName;
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
 * invocation, as in Jepsen: a process has one open operation at a time, and invokes nothing after an unknown outcome.
 */
export class Pairing {
  readonly #ops: OpenOperation[] = [];
  readonly #callLines: number[] = [];
  readonly #returnLines: number[] = [];
  /** The operation that a process has open, or RETIRED after an unknown outcome, or IDLE. */
  readonly #open = new Map<ProcessName, number>();
  /** The process of each operation. */
  readonly #processes: ProcessName[] = [];
  /** Of every event in order: its time in ms, and its line; null once it does not rise. */
  #times: number[] | null = [];
  #lines: number[] | null = [];
  #events = 0;

  invoke({ process, f, key, input, node }: Invocation, { line, timeNs }: Moment): Objection | null {
    const open = this.#open.get(process);
    if (open === RETIRED)
      return [
        `process ${process} continues after an unknown outcome (info)`,
        'its operation may take effect at any time, so the client must go on under a new number',
      ];
    if (open !== undefined && open !== IDLE)
      return [
        `process ${process} invokes ${f} while its ${this.#ops[open]!.f} of line ${this.#callLines[open]} is open`,
        'a process has one open operation at a time: a completion may be missing, or this line may be repeated',
      ];
    const id = this.#ops.length;
    this.#open.set(process, id);
    this.#callLines.push(line);
    this.#returnLines.push(0);
    this.#processes.push(process);
    this.#ops.push({
      id,
      process: typeof process === 'number' ? process : 0,
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
  openOf(process: ProcessName): Readonly<Op> | Objection {
    const open = this.#open.get(process);
    if (open !== undefined && open >= 0) return this.#ops[open]!;
    return [
      `process ${process} completes an operation, but has none open`,
      'its invocation may be missing, or this line may be repeated or out of order',
    ];
  }

  /** True if the process has invoked something. */
  knows(process: ProcessName): boolean {
    return this.#open.has(process);
  }

  complete(op: Readonly<Op>, { outcome, input, output, error }: Ending, { line, timeNs }: Moment): void {
    const draft = this.#ops[op.id]!;
    const at = this.#count(line, timeNs);
    this.#returnLines[op.id] = line;
    const process = this.#processes[op.id]!;
    draft.outcome = outcome;
    if (outcome === 'info') {
      draft.gaveUp = at;
      this.#open.set(process, RETIRED);
    } else {
      draft.return = at;
      this.#open.set(process, IDLE);
    }
    if (input !== undefined) draft.input = input;
    if (output !== undefined) draft.output = output;
    if (error !== undefined) draft.error = error;
  }

  /** Every operation in order of invocation; open ones stay `info`. `nameOf` returns the name of a key for messages. */
  finish(nameOf: (key: string) => string): PairedOperations {
    const processNames = this.#numberProcesses();
    for (const op of this.#ops) op.key = nameOf(op.key);
    const lines = { calls: this.#callLines, returns: this.#returnLines };
    const clock = this.#times !== null ? 'time' : this.#lines !== null ? 'line' : 'event';
    const moments = this.#times ?? this.#lines;
    if (moments === null) return { ops: this.#ops, lines, clock, processNames };
    for (const op of this.#ops) {
      op.call = moments[op.call]!;
      if (op.return !== Infinity) op.return = moments[op.return]!;
      if (op.gaveUp !== undefined) op.gaveUp = moments[op.gaveUp]!;
    }
    return { ops: this.#ops, lines, clock, processNames };
  }

  /** Gives processes with names the numbers after the largest one of the others. */
  #numberProcesses(): ReadonlyMap<number, string> {
    const numbers = new Map<string, number>();
    const largest = this.#processes.reduce<number>(
      (most, process) => (typeof process === 'number' && process > most ? process : most),
      -1,
    );
    for (const [id, process] of this.#processes.entries()) {
      if (typeof process === 'number') continue;
      const number = numbers.get(process) ?? largest + 1 + numbers.size;
      numbers.set(process, number);
      this.#ops[id]!.process = number;
    }
    return new Map([...numbers].map(([name, number]) => [number, name]));
  }

  /**
   * Counts events. Their order in the text is the true order. Times or lines that rise in this order are equivalent to
   * the counts, and more useful to people, so they replace the counts at the end. Times that do not rise would make
   * events concurrent that were not.
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
const IDLE = -2;

/** The operations of a history in Jepsen's form. */
export type PairedOperations = Pick<ImportedHistory, 'ops' | 'lines' | 'clock' | 'processNames'>;
