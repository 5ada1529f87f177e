import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Recorder, type OpenOp } from '../../harness/history/recorder.ts';
import type { OpFunction, RegisterValue } from '../../harness/history/op.ts';
import { type Random, randomStream } from '../../harness/random.ts';

/** A history of any length. Its figures determine the file. */
export interface LongHistory {
  readonly operations: number;
  readonly seed: number;
  /** True for one read, after 99 % of the operations, of a value that was replaced long before. */
  readonly stale: boolean;
}

const CLIENTS = 20;
const KEYS = 10;
const UNKNOWN_SHARE = 0.02;
const FUNCTIONS: readonly OpFunction[] = [
  'read',
  'read',
  'read',
  'read',
  'read',
  'write',
  'write',
  'write',
  'cas',
  'cas',
];
const STEP_NS = 25_000;
const CHUNK_CHARS = 1_048_576;
/** Share of the operations after which the stale read comes. */
const STALE_AFTER = 0.99;

/** An operation that is under way, with what it found when it took effect; undefined: it has not taken effect. */
interface UnderWay {
  readonly open: OpenOp;
  found: RegisterValue | undefined;
}

/**
 * Writes a history as the recorder does, an operation at a time, so that its length is not limited by memory: clients
 * on a few registers, whose operations take effect at one moment between invocation and answer.
 */
export function writeLongHistory(path: string, { operations, seed, stale }: LongHistory): void {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'w');
  const random = randomStream(seed, 'workload', 'long-history');
  let waiting = '';
  let now = 0;
  const recorder = new Recorder({
    nowNs: () => (now += random.int(1, STEP_NS)),
    append: (line) => {
      waiting += `${line}\n`;
      if (waiting.length < CHUNK_CHARS) return;
      writeSync(file, waiting);
      waiting = '';
    },
  });
  const registers = new Registers(random, recorder, stale ? Math.floor(operations * STALE_AFTER) : Infinity);
  while (recorder.invoked < operations || registers.areBusy) registers.step(recorder.invoked < operations);
  writeSync(file, waiting);
  closeSync(file);
}

class Registers {
  readonly #random: Random;
  readonly #recorder: Recorder;
  readonly #staleAfter: number;
  readonly #clients: { process: number; under: UnderWay | null }[];
  readonly #values: RegisterValue[] = Array.from({ length: KEYS }, () => null);
  /** The first value of a key, which the stale read returns. */
  readonly #first: RegisterValue[] = Array.from({ length: KEYS }, () => null);
  #busy = 0;
  #writes = 0;
  #processes = CLIENTS;
  #wasStale = false;

  constructor(random: Random, recorder: Recorder, staleAfter: number) {
    this.#random = random;
    this.#recorder = recorder;
    this.#staleAfter = staleAfter;
    this.#clients = Array.from({ length: CLIENTS }, (_, process) => ({ process, under: null }));
  }

  get areBusy(): boolean {
    return this.#busy > 0;
  }

  /** One client goes on: invokes, takes effect, or is answered. */
  step(mayInvoke: boolean): void {
    const client = this.#random.pick(this.#clients);
    const { under } = client;
    if (under === null) {
      if (mayInvoke) client.under = this.#invoke(client.process);
    } else if (under.found === undefined) this.#takeEffect(under);
    else {
      client.under = null;
      if (this.#complete(under)) client.process = this.#processes++;
    }
  }

  #invoke(process: number): UnderWay {
    this.#busy++;
    const key = this.#random.int(0, KEYS - 1);
    const f = this.#random.pick(FUNCTIONS);
    const value = f === 'read' ? null : `c${process}-${this.#writes++}`;
    const input = f === 'cas' ? ([this.#values[key]!, value!] as const) : value;
    const node = `n${1 + (process % 3)}`;
    return { open: this.#recorder.invoke({ process, f, key: `k${key}`, input, node }), found: undefined };
  }

  #takeEffect(under: UnderWay): void {
    const { f, key, input } = under.open.invocation;
    const register = Number(key.slice(1));
    const before = this.#values[register]!;
    under.found = before;
    if (f === 'write') this.#values[register] = input as string;
    if (f === 'cas' && before === input![0]) this.#values[register] = input![1]!;
    this.#first[register] ??= this.#values[register]!;
  }

  /** True if the client does not know the outcome. */
  #complete({ open, found }: UnderWay): boolean {
    this.#busy--;
    const { f, key, input, node } = open.invocation;
    const answer = { node, attempts: 1 };
    if (this.#random.float() < UNKNOWN_SHARE) {
      this.#recorder.complete(open, { ...answer, outcome: 'info', error: 'timeout' });
      return true;
    }
    const isStale = f === 'read' && !this.#wasStale && open.id >= this.#staleAfter;
    if (isStale) this.#wasStale = true;
    const output = isStale ? this.#first[Number(key.slice(1))]! : found!;
    if (f === 'read') this.#recorder.complete(open, { ...answer, outcome: 'ok', output });
    else if (f === 'cas' && output !== input![0])
      this.#recorder.complete(open, { ...answer, outcome: 'fail', output, error: 'cas-mismatch' });
    else this.#recorder.complete(open, { ...answer, outcome: 'ok' });
    return false;
  }
}
