import { open } from 'node:fs/promises';
import { ChaosReader } from './chaos-reader.ts';
import type { Op } from './op.ts';

const CHUNK_BYTES = 256 * 1_024;

/**
 * The operations of a history that a `Recorder` of this run wrote, in order of invocation: its first `bytes`, or all.
 * The file is read in pieces, so that its text and lines are never all in memory, and the event loop gets its turns. A
 * last line that is cut off is left out. Rejects with the system's error, or with a HistoryError that names the line.
 */
export async function readBack(path: string, bytes = Infinity): Promise<readonly Op[]> {
  await using file = await open(path);
  const reader = new ChaosReader({ file: path });
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let at = 0; at < bytes && !reader.isFull;) {
    const { bytesRead } = await file.read(chunk, 0, Math.min(CHUNK_BYTES, bytes - at), at);
    if (bytesRead === 0) break;
    at += bytesRead;
    reader.take(chunk.subarray(0, bytesRead));
  }
  return reader.end().ops;
}
