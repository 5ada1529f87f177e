import { constants, isUtf8 } from 'node:buffer';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { notUtf8 } from '../../history/chaos-reader.ts';
import { HistoryError, problemAt } from '../../history/history-error.ts';

/** The bytes of a history, and its name in messages. gzip is undone. */
export interface Source {
  readonly name: string;
  /** The first bytes: enough to see the format, or all. */
  readonly head: Buffer;
  /** All bytes from the beginning, in pieces; only once. @throws SourceError */
  readonly pieces: AsyncIterable<Buffer>;
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

/** Maximum size of a text that is one string. */
const MOST_BYTES = constants.MAX_STRING_LENGTH;
/** Number of bytes inspected to detect the format, which may follow after long comments. */
const HEAD_BYTES = 2_097_152;
const PIECE_BYTES = 1_048_576;
/** File names to look for in a folder, the likeliest first: a run's report, a test in Jepsen's store. */
const NAMES_IN_FOLDER = ['history.jsonl', 'history.edn', 'history.txt', 'jepsen.log'].flatMap((name) => [
  name,
  `${name}.gz`,
]);

/**
 * Opens a file, the history in a folder, or standard input (`-`).
 * @throws SourceError
 */
export async function openSource(path: string | undefined): Promise<Source> {
  if (path === undefined && process.stdin.isTTY)
    throw new SourceError('no history given', 'name a file, the folder of a run, or - for standard input');
  if (path === undefined || path === '-') return sourceOf('standard input', process.stdin);
  const file = fileOf(path);
  return sourceOf(file, createReadStream(file, { highWaterMark: PIECE_BYTES }));
}

async function sourceOf(name: string, stream: Readable): Promise<Source> {
  const raw = readable(name, stream);
  const start = await takeBytes(raw, LONGEST_MAGIC);
  const plain = isGzip(start.bytes) ? unpacked(name, start.all()) : start.all();
  const head = await takeBytes(plain, HEAD_BYTES);
  if (startsWith(head.bytes, [0xff, 0xfe]) || startsWith(head.bytes, [0xfe, 0xff]))
    throw new SourceError(
      `${name} is UTF-16, but a history must be UTF-8`,
      'convert it: iconv -f UTF-16 -t UTF-8',
    );
  const hint = archiveHint(name, head.bytes);
  if (hint !== '' && !isTextStart(head.bytes)) throw noText(name, head.bytes, hint);
  return { name, head: head.bytes, pieces: head.all() };
}

/** Number of bytes that identify a compressed file. */
const LONGEST_MAGIC = 4;

async function* readable(name: string, stream: Readable): AsyncGenerator<Buffer> {
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    throw new SourceError(
      `${name}: cannot be read: ${(error as Error).message}`,
      'check that it is a file and that you may read it',
    );
  }
}

/**
 * Reads the first bytes of a stream: at least `size`, if it has that many. `all` returns the whole stream, including
 * these bytes.
 */
async function takeBytes(
  pieces: AsyncGenerator<Buffer>,
  size: number,
): Promise<{ readonly bytes: Buffer; readonly all: () => AsyncGenerator<Buffer> }> {
  const taken: Buffer[] = [];
  for (let length = 0; length < size;) {
    const next = await pieces.next();
    if (next.done === true) break;
    taken.push(next.value);
    length += next.value.length;
  }
  const bytes = Buffer.concat(taken);
  async function* all(): AsyncGenerator<Buffer> {
    for (let piece = taken.shift(); piece !== undefined; piece = taken.shift()) yield piece;
    yield* pieces;
  }
  return { bytes, all };
}

async function* unpacked(name: string, packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  const source = Readable.from(packed);
  source.once('error', (error) => gunzip.destroy(error));
  try {
    yield* source.pipe(gunzip) as AsyncIterable<Buffer>;
  } catch (error) {
    if (error instanceof SourceError) throw error;
    throw new SourceError(
      `${name}: incomplete or damaged gzip data: ${(error as Error).message}`,
      'check whether the file is cut off',
    );
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

/** The whole text of a source, for formats that are not read in pieces. @throws SourceError, HistoryError */
export async function textOf({ name, pieces }: Source): Promise<string> {
  const all: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > MOST_BYTES) throw tooLarge(name);
    all.push(piece);
  }
  const bytes = Buffer.concat(all);
  if (!isUtf8(bytes)) throw noText(name, bytes, archiveHint(name, bytes));
  return bytes.toString('utf8');
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
    `${path}: the folder contains no history`,
    `it has none of ${NAMES_IN_FOLDER.join(', ')}${latest}`,
  );
}

const tooLarge = (name: string): SourceError =>
  new SourceError(
    `${name}: larger than ${Math.floor(MOST_BYTES / 1_048_576)} MB, more than is read at once`,
    'split the history by key, because each key is checked by itself; only a history.jsonl may be larger',
  );

const startsWith = (bytes: Buffer, start: readonly number[]): boolean =>
  start.every((byte, i) => bytes[i] === byte);
const isGzip = (bytes: Buffer): boolean => startsWith(bytes, [0x1f, 0x8b]);

const isTextStart = (bytes: Buffer): boolean =>
  [0, 1, 2, 3].some((cut) => isUtf8(bytes.subarray(0, Math.max(0, bytes.length - cut))));

/** Returns an error that names the first byte that is not text. */
function noText(name: string, bytes: Buffer, hint: string): HistoryError {
  const [text, flaw] = notUtf8(bytes, hint);
  return new HistoryError(name, [problemAt(text, flaw)]);
}

function archiveHint(name: string, bytes: Buffer): string {
  if (startsWith(bytes, [0x50, 0x4b])) return '; this is a zip archive: unpack it';
  if (startsWith(bytes, [0x28, 0xb5, 0x2f, 0xfd])) return '; this is zstd: unpack it';
  if (startsWith(bytes, [0xfd, 0x37, 0x7a])) return '; this is xz: unpack it';
  return basename(name).endsWith('.jepsen')
    ? '; test.jepsen is Jepsen’s own format: use history.edn beside it'
    : '';
}
