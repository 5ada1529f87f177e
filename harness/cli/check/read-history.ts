import { getHeapStatistics } from 'node:v8';
import { ChaosReader } from '../../history/chaos-reader.ts';
import { chaosLines } from '../../history/formats/chaos-lines.ts';
import type { ImportedHistory, ReadOptions } from '../../history/formats/history.ts';
import { importHistory } from '../../history/formats/import.ts';
import { count } from '../../report/format.ts';
import { type Source, textOf } from './source.ts';

/** The history is larger than the memory allows, so that nothing is known about it. */
export class MemoryLimitError extends Error {
  override readonly name = 'MemoryLimitError';
  readonly mend = 'use a higher --memory, or split the history by key, because each key is checked by itself';
}

export interface HistoryReading extends Omit<ReadOptions, 'file'> {
  readonly format: string | undefined;
  /** Maximum resident memory of the process while it reads, in MB. */
  readonly memoryMb: number;
}

const BYTES_PER_MB = 1_048_576;
/** Share of V8's heap limit at which reading ends; beyond that limit the process would be ended. */
const HEAP_SHARE = 0.8;
/** Minimum memory that reading may add to the process, in MB. Garbage that is not collected yet can fill less. */
const MIN_READING_MB = 128;
/** A byte order mark. */
const MARK = Buffer.from('\uFEFF');

/**
 * Reads a source in any format. A `history.jsonl` is read in pieces, whatever its size.
 * @throws HistoryError, SourceError, MemoryLimitError
 */
export async function readHistory(source: Source, reading: HistoryReading): Promise<ImportedHistory> {
  const { format, memoryMb, ...options } = reading;
  const file = source.name;
  if (format !== chaosLines.name || !endsWithNewlines(source.head))
    return importHistory(await textOf(source), { ...options, file, format });
  const reader = new ChaosReader({ ...options, file });
  const limitMb = Math.max(memoryMb, residentMb() + MIN_READING_MB);
  let mark = source.head.subarray(0, MARK.length).equals(MARK) ? MARK.length : 0;
  for await (const piece of source.pieces) {
    const skipped = Math.min(mark, piece.length);
    mark -= skipped;
    reader.take(piece.subarray(skipped));
    if (reader.isFull) break;
    expectMemory(file, reader.operations, limitMb);
  }
  const history = reader.end();
  // Such a history is short, and `importHistory` gives more information about it.
  if (history.ops.length === 0)
    return importHistory(source.head.toString('utf8'), { ...options, file, format });
  return history;
}

/** True if the lines end with newlines. If they end with carriage returns alone, the whole text is needed at once. */
function endsWithNewlines(head: Buffer): boolean {
  const end = /\r?\n|\r/.exec(head.toString('latin1', 0, INSPECTED_BYTES));
  return end !== null && end[0] !== '\r';
}

const INSPECTED_BYTES = 1_048_576;

const residentMb = (): number => process.memoryUsage.rss() / BYTES_PER_MB;

/** @throws MemoryLimitError */
function expectMemory(file: string, operations: number, limitMb: number): void {
  const { used_heap_size: used, heap_size_limit: heap } = getHeapStatistics();
  const isOver = residentMb() > limitMb;
  if (!isOver && used <= HEAP_SHARE * heap) return;
  const reached = isOver
    ? `${Math.round(limitMb)} MB`
    : `${Math.floor((HEAP_SHARE * heap) / BYTES_PER_MB)} MB of V8`;
  throw new MemoryLimitError(
    `It is not known whether ${file} is linearizable: the memory limit of ${reached} was reached after ${count(operations)} operations were read.`,
  );
}
