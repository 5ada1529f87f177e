/** Every kind of operation. */
export const OP_FUNCTIONS = ['read', 'write', 'cas', 'delete', 'append'] as const;
export type OpFunction = (typeof OP_FUNCTIONS)[number];

/** The kinds of operation in words, for messages: `read, write, … or append`. */
export const OP_FUNCTIONS_IN_WORDS: string = `${OP_FUNCTIONS.slice(0, -1).join(', ')} or ${OP_FUNCTIONS.at(-1)}`;

/** A record with the same value for every kind of operation. */
export const perFunction = <T>(value: T): Record<OpFunction, T> =>
  Object.fromEntries(OP_FUNCTIONS.map((f) => [f, value])) as Record<OpFunction, T>;
export type OpOutcome = 'ok' | 'fail' | 'info';

/**
 * A register's content. `null`: never written. A deleted key shows its delete's tombstone, which is a value of its own,
 * so to the checker a delete is a write of the tombstone.
 */
export type RegisterValue = string | null;

/**
 * One operation of a logical client, as Jepsen records it: `invoke`, then `ok`, `fail` (it definitely did not happen)
 * or `info` (unknown: it stays open for ever, and its process retires).
 */
interface OpBase {
  /** Counts operations of a run from 0, in order of invocation. */
  readonly id: number;
  /**
   * The logical client. A process whose operation ended `info` invokes nothing more; its client continues under a new
   * number.
   */
  readonly process: number;
  readonly key: string;
  /**
   * `write`: the value; `delete`: the tombstone; `append`: the token appended. Values that are written are unique in
   * our runs. An imported history may write null, so that the register is empty again. `read`: null. `cas`: [from, to].
   */
  readonly input: RegisterValue | readonly [from: RegisterValue, to: RegisterValue];
  readonly f: OpFunction;
}

/**
 * A completed (or for ever open) operation, which is the input of the checker. `call` and `return` are milliseconds
 * since the run began on one monotonic clock, with microsecond resolution; equal times count as concurrent.
 */
export interface Op extends OpBase {
  readonly call: number;
  /** `Infinity` for `info`. */
  readonly return: number;
  readonly outcome: OpOutcome;
  /** `read` ok: the value read. `cas` fail with `cas-mismatch`: the value found instead of `from`. Else absent. */
  readonly output?: RegisterValue;
  /** The error code (`node/protocol/client.ts`) or a client-side one: `timeout`, `refused`, `closed`. */
  readonly error?: string;
  /** The node that answered last (or, without an answer, was asked last). */
  readonly node: string;
  /** Number of times that it was sent. */
  readonly attempts: number;
  /** When an `info` operation was given up (ms since run start): for drawing only, never for judging. */
  readonly gaveUp?: number;
}

/**
 * True if the error of a failed CAS says that the value was not the expected one, It recognises the messages of this
 * program, of Jepsen and of the clients that Jepsen tests. With any other error, or without one, it is unknown whether
 * the CAS was compared at all.
 */
export const provesMismatch = (error: string | undefined): boolean =>
  error !== undefined && (error === 'cas-mismatch' || MISMATCH.test(error));

/** A word alone, or the first one of a vector: `value-mismatch`, `[:value-mismatch "n1"]`. */
const MISMATCH =
  /^(?:[[(]:?"?)?(?:[\w.-]+\/)?(?:(?:cas|value|compare)[-_ ]mismatch|mismatch|not[-_ ]equal|(?:unexpected|wrong)[-_ ]value)(?:"?[\s,\])].*)?$/is;

/** A line of `history.jsonl`: it has Jepsen's form, with two lines per operation (`index` counts lines). */
export interface HistoryLine {
  readonly index: number;
  readonly id: number;
  readonly process: number;
  readonly type: 'invoke' | OpOutcome;
  readonly f: OpFunction;
  readonly key: string;
  /** invoke: the input. ok read: the value read. fail cas with `cas-mismatch`: in `found`. */
  readonly value: RegisterValue | readonly [RegisterValue, RegisterValue];
  /**
   * Nanoseconds since the run began, an integer, strictly rising over the file's lines where the clock can tell them
   * apart.
   */
  readonly time: number;
  readonly node: string;
  readonly found?: RegisterValue;
  readonly error?: string;
  readonly attempts?: number;
}
