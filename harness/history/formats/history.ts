import type { Op, OpFunction } from '../op.ts';

/** How a history may be written down. */
export const HISTORY_FORMATS = ['chaos', 'jepsen-edn', 'jepsen-log', 'porcupine-kv'] as const;
export type HistoryFormat = (typeof HISTORY_FORMATS)[number];

/** What the operations of a history are to act on, as far as reading them depends on it: `models` of the checker. */
export interface ExpectedModel {
  /** `list-append`: appends add an element to a list. `kv`: they add text to text. */
  readonly name: string;
  readonly functions: readonly OpFunction[];
}

/** A history as it was read, whatever it was written in. */
export interface ImportedHistory {
  /** Null: the text was empty. */
  readonly format: HistoryFormat | null;
  /** In order of invocation. */
  readonly ops: readonly Op[];
  /** Whether values are lists, written as their elements one after the other. */
  readonly lists: boolean;
  readonly lines: Lines;
  readonly clock: HistoryClock;
  /** What was left out, for people. */
  readonly notes: readonly string[];
}

/**
 * What `call` and `return` count: ms, or, where the history has no usable times, lines from 1; where several events
 * stand in one line, events from 0.
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
  /** Undefined: what the operations look like. */
  readonly model?: ExpectedModel | undefined;
  /**
   * Told of each operation once, as soon as nothing more can be said of it, with its place in the history: for what is
   * done best while it is at hand.
   */
  readonly onOp?: ((op: Op, position: number) => void) | undefined;
}
