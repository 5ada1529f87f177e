import { open } from 'node:fs/promises';
import { decodeLine } from './line.ts';
import { completedOp, openOp } from './op-of-lines.ts';
import type { Op } from './op.ts';

const CHUNK_BYTES = 256 * 1_024;

/**
 * The operations of a history that a `Recorder` of this run wrote, in order of invocation: its first `bytes`, or all.
 * The file is read in pieces, so that its text and lines are never all in memory, and the event loop gets its turns. A
 * last line that is cut off is left out. Rejects with the system's error, or with an Error that names the line.
 */
export async function readBack(path: string, bytes = Infinity): Promise<readonly Op[]> {
  await using file = await open(path);
  const pairing = new LinePairing(path);
  const decoder = new TextDecoder();
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let text = '';
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await file.read(chunk, 0, Math.min(CHUNK_BYTES, bytes - at), at);
    if (bytesRead === 0) break;
    at += bytesRead;
    text += decoder.decode(chunk.subarray(0, bytesRead), { stream: true });
    let from = 0;
    for (let to = text.indexOf('\n'); to >= 0; to = text.indexOf('\n', from)) {
      pairing.add(text.slice(from, to));
      from = to + 1;
    }
    text = text.slice(from);
  }
  return pairing.ops();
}

/** Puts invocations and completions together; ids count from 0 without a gap, as a `Recorder` gives them. */
class LinePairing {
  readonly #path: string;
  readonly #ops: Op[] = [];
  readonly #open = new Map<number, Op>();
  #lines = 0;

  constructor(path: string) {
    this.#path = path;
  }

  add(text: string): void {
    this.#lines++;
    const decoded = decodeLine(text);
    if (!decoded.ok) throw this.#broken(decoded.flaw.message);
    const { line } = decoded;
    if (line.type === 'invoke') {
      this.#open.set(line.id, openOp(line));
      return;
    }
    const open = this.#open.get(line.id);
    if (open === undefined) throw this.#broken(`operation ${line.id} ends, but is not under way`);
    this.#open.delete(line.id);
    this.#ops[line.id] = completedOp(open, line, line.type);
  }

  ops(): readonly Op[] {
    for (const op of this.#open.values()) this.#ops[op.id] = op;
    return this.#ops;
  }

  #broken(message: string): Error {
    return new Error(`${this.#path}:${this.#lines}: ${message}`);
  }
}
