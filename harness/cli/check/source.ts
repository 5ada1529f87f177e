import { constants, isUtf8 } from 'node:buffer';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { HistoryError, problemAt } from '../../history/history-error.ts';

/** Text of a history, and its name in messages. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** The history could not be got at all. */
export class SourceError extends Error {
  readonly mend: string;

  constructor(message: string, mend: string) {
    super(message);
    this.name = 'SourceError';
    this.mend = mend;
  }
}

/** Text is one string here, and no string can be longer. */
const MOST_BYTES = constants.MAX_STRING_LENGTH;
/** File names to look for in a folder, the likeliest first: a run's report, a test in Jepsen's store. */
const NAMES_IN_FOLDER = ['history.jsonl', 'history.edn', 'history.txt', 'jepsen.log'].flatMap((name) => [
  name,
  `${name}.gz`,
]);

/**
 * Reads a file, the history in a folder, or standard input (`-`); gzip is undone.
 * @throws SourceError, HistoryError
 */
export async function readSource(path: string | undefined): Promise<Source> {
  if (path === undefined && process.stdin.isTTY)
    throw new SourceError('which history?', 'name a file, the folder of a run, or - for standard input');
  if (path === undefined || path === '-')
    return decoded('standard input', await bytesOf(process.stdin, 'standard input'));
  const file = fileOf(path);
  try {
    return decoded(file, await fileBytes(file));
  } catch (error) {
    if (error instanceof SourceError || error instanceof HistoryError) throw error;
    throw new SourceError(
      `${file}: cannot be read: ${(error as Error).message}`,
      'is it a file, and yours to read?',
    );
  }
}

function fileOf(path: string): string {
  if (!existsSync(path))
    throw new SourceError(
      `${path}: no such file or folder`,
      'a run of chaos leaves its history in reports/<run>/history.jsonl',
    );
  if (!statSync(path).isDirectory()) return path;
  const found = NAMES_IN_FOLDER.map((name) => join(path, name)).find((file) => existsSync(file));
  if (found !== undefined) return found;
  const latest = existsSync(join(path, 'latest')) ? `; did you mean ${join(path, 'latest')}?` : '';
  throw new SourceError(
    `${path}: a folder without a history`,
    `looked for ${NAMES_IN_FOLDER.join(', ')}${latest}`,
  );
}

/** A file of a known size is read at once, which takes half the memory. */
async function fileBytes(file: string): Promise<Buffer> {
  const { size } = statSync(file);
  if (size > MOST_BYTES) throw tooLarge(file);
  return size > 0 ? await readFile(file) : await bytesOf(createReadStream(file), file);
}

/** Reads at most the bound, whatever size is announced, because a device or a pipe may have no end. */
async function bytesOf(stream: Readable, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) throw tooLarge(name);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLarge = (name: string): SourceError =>
  new SourceError(
    `${name}: larger than ${Math.floor(MOST_BYTES / 1_048_576)} MB, more than is read at once`,
    'keys are judged each by itself: split the history by key',
  );

function decoded(name: string, bytes: Buffer): Source {
  const plain = isGzip(bytes) ? unpacked(name, bytes) : bytes;
  if (startsWith(plain, [0xff, 0xfe]) || startsWith(plain, [0xfe, 0xff]))
    throw new SourceError(`${name}: UTF-16`, 'a history is UTF-8: iconv -f UTF-16 -t UTF-8');
  if (!isUtf8(plain)) throw notUtf8(name, plain);
  return { name, text: plain.toString('utf8') };
}

const startsWith = (bytes: Buffer, start: readonly number[]): boolean =>
  start.every((byte, i) => bytes[i] === byte);
const isGzip = (bytes: Buffer): boolean => startsWith(bytes, [0x1f, 0x8b]);

function unpacked(name: string, bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(`${name}, unpacked,`);
    throw new SourceError(`${name}: not whole gzip: ${(error as Error).message}`, 'is the file cut off?');
  }
}

/** Names the first byte that is no text. */
function notUtf8(name: string, bytes: Buffer): HistoryError {
  // Whether everything before a place is text, up to a character that it may cut.
  const isTextBefore = (end: number): boolean =>
    [0, 1, 2, 3].some((cut) => isUtf8(bytes.subarray(0, Math.max(0, end - cut))));
  let good = 0;
  for (let bad = bytes.length; bad - good > 1;) {
    const middle = (good + bad) >> 1;
    if (isTextBefore(middle)) good = middle;
    else bad = middle;
  }
  while (!isUtf8(bytes.subarray(0, good))) good--;
  const before = bytes.subarray(0, good).toString('utf8');
  const byte = bytes[good]!.toString(16).padStart(2, '0');
  const problem = problemAt(`${before}\uFFFD`, {
    from: before.length,
    to: before.length + 1,
    message: `the byte 0x${byte} is no UTF-8: this is no text`,
    mend: `a history is UTF-8 text, plain or gzipped${archiveHint(name, bytes)}`,
  });
  return new HistoryError(name, [problem]);
}

function archiveHint(name: string, bytes: Buffer): string {
  if (startsWith(bytes, [0x50, 0x4b])) return '; this is a zip archive: unpack it';
  if (startsWith(bytes, [0x28, 0xb5, 0x2f, 0xfd])) return '; this is zstd: unpack it';
  if (startsWith(bytes, [0xfd, 0x37, 0x7a])) return '; this is xz: unpack it';
  return basename(name).endsWith('.jepsen')
    ? '; test.jepsen is Jepsen’s own format: use history.edn beside it'
    : '';
}
