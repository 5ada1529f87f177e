import { createReadStream } from 'node:fs';
import { ChaosReader } from './chaos-reader.ts';
import type { ImportedHistory, ReadOptions } from './formats/history.ts';
import type { Op } from './op.ts';

/** Reads a `history.jsonl`. Rejects with HistoryError, or with the system's error if the file cannot be read. */
export async function readHistory(path: string): Promise<readonly Op[]> {
  const reader = new ChaosReader({ file: path });
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) reader.take(piece);
  return reader.end().ops;
}

/**
 * The operations of a history, in order of invocation. An operation without a completion is `info` (it stays open).
 * Empty text is an empty history. Throws HistoryError.
 */
export const parseHistory = (text: string, file = 'history'): readonly Op[] =>
  readChaosHistory(text, { file }).ops;

/** The same with the lines of the operations. Throws HistoryError. */
export function readChaosHistory(text: string, options: ReadOptions): ImportedHistory {
  const reader = new ChaosReader(options);
  for (let from = 0; from < text.length && !reader.isFull;) {
    const newline = text.indexOf('\n', from + PIECE_CHARS);
    const to = newline < 0 ? text.length : newline + 1;
    reader.take(Buffer.from(text.slice(from, to)));
    from = to;
  }
  return reader.end();
}

/** Minimum number of characters that are turned into bytes at once. */
const PIECE_CHARS = 1_048_576;
