import type { Op, OpFunction, RegisterValue } from '../op.ts';

/** One format that a history may be written in. Its file exports it, and `registry.ts` lists it. */
export interface HistoryFormat {
  /** The name in `chaos check --format`. */
  readonly name: string;
  /** A short history in this format, as a person would see it. */
  readonly example: string;
  /** True if the text seems to be in this format. `head`: its beginning, without white space and comments. */
  looksLike(head: string): boolean;
  /** Throws HistoryError. */
  read(text: string, options: ReadOptions): ImportedHistory;
}

/** The data type of the operations, as far as reading them depends on it (`models` of the checker). */
export interface ExpectedModel {
  /** `list-append`: appends add an element to a list. `kv`: they add text to text. */
  readonly name: string;
  readonly functions: readonly OpFunction[];
}

/** The mistake of an operation that the model does not have, and its likely correction. */
export const notInModel = ({ name, functions }: ExpectedModel, f: OpFunction): readonly [string, string] => [
  `the model ${name} has no ${f}`,
  `its functions: ${functions.join(', ')}`,
];

/** A history that was read, from any format. */
export interface ImportedHistory {
  /** Name of the format; null: the text was empty. */
  readonly format: string | null;
  /** In order of invocation. */
  readonly ops: readonly Op[];
  /** True if values are lists, written as their elements one after the other. */
  readonly lists: boolean;
  readonly lines: Lines;
  readonly clock: HistoryClock;
  /** The value of a key that was never written; null: nothing. */
  readonly initial: RegisterValue;
  /** Names of the processes that have a name in the text, by the number that they get here. */
  readonly processNames: ReadonlyMap<number, string>;
  /** Notes for the user about parts that were left out. */
  readonly notes: readonly string[];
}

/**
 * Unit of `call` and `return`: ms; or, if the history has no usable times, lines from 1; or, if several events are on
 * one line, events from 0.
 */
export type HistoryClock = 'time' | 'line' | 'event';

/** Lines from 1 of each operation, in the order of the operations: its invocation, its completion (0: none). */
export interface Lines {
  readonly calls: readonly number[];
  readonly returns: readonly number[];
}

export interface ReadOptions {
  /** For messages. */
  readonly file: string;
  /** The value of a key that was never written, as the user gave it. Undefined: that of the format. */
  readonly initial?: string | undefined;
  /** Undefined: chosen by the operations. */
  readonly model?: ExpectedModel | undefined;
  /**
   * Called once per operation, with its place in the history, as soon as it is final: for work that is cheapest while
   * the operation is in the cache.
   */
  readonly onOp?: ((op: Op, position: number) => void) | undefined;
}
