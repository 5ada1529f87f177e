import { randomInt } from 'node:crypto';
import { constants, promises as fs, write as writeAt } from 'node:fs';
import { join } from 'node:path';
import { ByteWriter, MalformedBytes } from '../kv/bytes.ts';
import type { Entry, HardState } from '../raft/types.ts';
import { StorageError } from '../replica/ports.ts';
import type { LogWrite, Recovered, Storage } from '../replica/ports.ts';
import { FolderLock } from './lock.ts';
import { replay } from './replay.ts';
import { encodeHeader, HEADER_BYTES, parseSegment, writeRecord } from './segment.ts';
import type { ParsedSegment, SegmentHeader } from './segment.ts';

/** A segment that has reached this size is followed by a new one. */
const SEGMENT_BYTES = 64 << 20;
/**
 * Zeros are written this far ahead, in the background: overwriting them syncs in half the time that growing the file
 * does. Begun anew when half of it is used up.
 */
const AHEAD_BYTES = 8 << 20;
/** So that a record never waits long for the zeros that are being written to the same file. */
const ZEROS = Buffer.alloc(256 << 10);

export interface WalOptions {
  readonly folder: string;
  readonly segmentBytes?: number;
  readonly aheadBytes?: number;
}

/**
 * Term, vote and log in a folder of segments (`segment.ts` has their bytes). One `write` is one record, one
 * call into the kernel (the file is open with O_DSYNC: the write returns once the data is on the disk). A
 * crash can only harm the last record of the last segment, which was not acknowledged; any other damage is
 * refused, with file and offset.
 */
export class Wal implements Storage {
  readonly #folder: string;
  readonly #segmentBytes: number;
  readonly #aheadBytes: number;
  readonly #out = new ByteWriter(1 << 20);
  #lock: FolderLock | null = null;
  #segment: OpenSegment | null = null;
  /**
   * Why no write is accepted any more. After a failed sync nobody knows what the disk holds, so none is tried
   * again.
   */
  #failed: StorageError | null = null;

  constructor(options: WalOptions) {
    this.#folder = options.folder;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#aheadBytes = options.aheadBytes ?? AHEAD_BYTES;
  }

  async recover(): Promise<Recovered> {
    try {
      await fs.mkdir(this.#folder, { recursive: true });
      this.#lock = await FolderLock.take(this.#folder);
      return await this.#recover();
    } catch (error) {
      await this.close();
      throw this.#asStorageError('cannot be opened', error);
    }
  }

  async write(batch: readonly LogWrite[]): Promise<void> {
    if (this.#failed) throw this.#failed;
    try {
      const segment = await this.#roomySegment();
      writeRecord(this.#out, segment.header.salt, segment.records, batch);
      const record = this.#out.take();
      if (segment.end + record.length > segment.size) await this.#extend(segment, record.length);
      await writeFully(segment.file, record, segment.end);
      segment.end += record.length;
      segment.records++;
      if (segment.size - segment.end < this.#aheadBytes / 2) this.#prepare(segment);
    } catch (error) {
      this.#failed = this.#asStorageError('refuses writes', error);
      throw this.#failed;
    }
  }

  async close(): Promise<void> {
    this.#failed ??= new StorageError(`data folder ${this.#folder} is closed`);
    const [segment, lock] = [this.#segment, this.#lock];
    this.#segment = null;
    this.#lock = null;
    await segment?.zeros;
    await segment?.file.close();
    await lock?.release();
  }

  async #recover(): Promise<Recovered> {
    const numbers = await this.#segmentNumbers();
    const log = { hardState: NO_HARD_STATE, entries: [] as Entry[] };
    let tornBytes = 0;
    for (const number of numbers) {
      const last = number === numbers.length;
      const parsed = await this.#readSegment(number, last);
      if (parsed === null) continue;
      const problem = replay(log, parsed.steps);
      if (problem !== null) throw this.#damage(number, parsed.end, problem);
      if (last) {
        tornBytes = parsed.strayBytes;
        await this.#reopen(parsed);
      }
    }
    if (this.#segment === null) await this.#startSegment(Math.max(1, numbers.length));
    return { ...log, tornBytes };
  }

  /** Segments 1, 2, 3, …; a gap means that one was removed. */
  async #segmentNumbers(): Promise<number[]> {
    const names = (await fs.readdir(this.#folder)).filter((name) => SEGMENT_NAME.test(name)).sort();
    return names.map((name, i) => {
      const number = Number(SEGMENT_NAME.exec(name)![1]);
      if (number !== i + 1) throw this.#damage(i + 1, 0, 'the segment is missing');
      return number;
    });
  }

  /** Null: the last segment was being made when the node died, and holds nothing. */
  async #readSegment(number: number, last: boolean): Promise<ParsedSegment | null> {
    const file = await fs.readFile(this.#path(number));
    let parsed: ParsedSegment;
    try {
      parsed = parseSegment(file);
    } catch (error) {
      // The header is durable before a record follows: a file that is no longer than one never held any.
      if (last && file.length <= HEADER_BYTES) return null;
      if (error instanceof MalformedBytes) throw this.#damage(number, 0, error.message);
      throw error;
    }
    if (parsed.header.number !== number)
      throw this.#damage(number, 12, `its header says segment ${parsed.header.number}`);
    if (parsed.damage !== null && (!last || parsed.goodRecordBehind)) {
      throw this.#damage(
        number,
        parsed.end,
        `${parsed.damage}${parsed.goodRecordBehind ? ', and good records follow' : ''}`,
      );
    }
    return parsed;
  }

  /**
   * Goes on behind the last good record; what a torn write left there is cut off, durably, before anything
   * follows.
   */
  async #reopen(parsed: ParsedSegment): Promise<void> {
    const file = await fs.open(this.#path(parsed.header.number), constants.O_RDWR | constants.O_DSYNC);
    let { size } = await file.stat();
    if (parsed.strayBytes > 0) {
      await file.truncate(parsed.end);
      await file.sync();
      size = parsed.end;
    }
    this.#segment = {
      header: parsed.header,
      file,
      records: parsed.records,
      end: parsed.end,
      size,
      zeros: null,
    };
  }

  async #roomySegment(): Promise<OpenSegment> {
    const segment = this.#segment;
    if (segment === null) throw new StorageError(`data folder ${this.#folder} is not open`);
    if (segment.end < this.#segmentBytes) return segment;
    await segment.zeros;
    await segment.file.truncate(segment.end);
    await segment.file.sync();
    await segment.file.close();
    return this.#startSegment(segment.header.number + 1);
  }

  /** The file, its header and its name in the folder are durable before a record is written to it. */
  async #startSegment(number: number): Promise<OpenSegment> {
    const header = { number, salt: randomInt(2 ** 32) };
    const file = await fs.open(
      this.#path(number),
      constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_DSYNC,
    );
    this.#segment = { header, file, records: 0, end: HEADER_BYTES, size: HEADER_BYTES, zeros: null };
    await writeFully(file, encodeHeader(header), 0);
    await syncFolder(this.#folder);
    return this.#segment;
  }

  /** Room for a record of `bytes`: what is being prepared, or else the file grows with the record itself. */
  async #extend(segment: OpenSegment, bytes: number): Promise<void> {
    await segment.zeros;
    segment.size = Math.max(segment.size, segment.end + bytes);
  }

  /** Begins to write zeros behind the file's end, where no record is written until that is done. */
  #prepare(segment: OpenSegment): void {
    const to = Math.min(segment.end + this.#aheadBytes, this.#segmentBytes);
    if (segment.zeros !== null || to <= segment.size) return;
    segment.zeros = fillWithZeros(this.#path(segment.header.number), segment.size, to).then(
      () => {
        segment.size = to;
        segment.zeros = null;
      },
      (error: unknown) => {
        this.#failed ??= this.#asStorageError('refuses writes', error);
      },
    );
  }

  #path(number: number): string {
    return join(this.#folder, `wal-${String(number).padStart(10, '0')}.log`);
  }

  #damage(number: number, offset: number, what: string): StorageError {
    return new StorageError(
      `data folder ${this.#folder}: segment ${this.#path(number)}, offset ${offset}: ${what}. ` +
        'This is damage, not an interrupted write, so the node does not guess; restore the folder, or wipe it and let the node catch up as a new one',
    );
  }

  #asStorageError(what: string, error: unknown): StorageError {
    if (error instanceof StorageError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    return new StorageError(`data folder ${this.#folder} ${what}: ${reason}`);
  }
}

interface OpenSegment {
  readonly header: SegmentHeader;
  readonly file: fs.FileHandle;
  records: number;
  /** Where the next record goes. */
  end: number;
  /** Between `end` and here are zeros that are on the disk. */
  size: number;
  /** More of them are being written, from `size` on; never rejects. */
  zeros: Promise<void> | null;
}

const NO_HARD_STATE: HardState = { term: 0 as HardState['term'], votedFor: null };
const SEGMENT_NAME = /^wal-(\d{10})\.log$/;

/** A write may end short (a signal, a quota); the rest is tried until it is an error. */
function writeFully(file: fs.FileHandle, bytes: Buffer, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const writeFrom = (done: number): void =>
      writeAt(file.fd, bytes, done, bytes.length - done, position + done, (error, written) => {
        if (error !== null) reject(error);
        else if (done + written === bytes.length) resolve();
        else if (written === 0) reject(new Error('the disk took no byte of a write'));
        else writeFrom(done + written);
      });
    writeFrom(0);
  });
}

/** With a descriptor of its own: one sync for all of it, in which records need not take part. */
async function fillWithZeros(path: string, from: number, to: number): Promise<void> {
  const file = await fs.open(path, constants.O_RDWR);
  try {
    for (let at = from; at < to; at += ZEROS.length) {
      await writeFully(file, ZEROS.subarray(0, Math.min(ZEROS.length, to - at)), at);
    }
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
