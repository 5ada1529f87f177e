import type { OpenFile } from './files.ts';
import { lengthOf } from './segment.ts';
import type { SegmentHeader } from './segment.ts';

/** So that a record never waits long for the zeros that are being written to the same file. */
const ZEROS = Buffer.alloc(256 << 10);

export interface OpenSegmentOptions {
  readonly header: SegmentHeader;
  /** Open for durable writes. */
  readonly file: OpenFile;
  /** The same file, for the zeros: one sync for many writes, in which records need not take part. */
  readonly ahead: OpenFile;
  readonly size: number;
  /** Number of bytes after the records that are filled with zeros in advance; 0: none. */
  readonly aheadBytes: number;
  /** Beyond this it is not filled. */
  readonly fullBytes: number;
}

/**
 * The segment that records are appended to. Zeros are written after them in advance, in the background, and again when
 * half of them are used: overwriting them syncs in half the time that growing the file needs.
 */
export class OpenSegment {
  readonly header: SegmentHeader;
  readonly #o: OpenSegmentOptions;
  #size: number;
  #filling: Promise<void> | null = null;
  #closed = false;
  /** Where the next record goes. */
  end: number;
  /** Number of records. */
  records: number;
  /** Highest index that an entry here has, which counts; 0: none does. */
  lastIndex = 0;

  constructor(options: OpenSegmentOptions, records: number, end: number) {
    this.header = options.header;
    this.#o = options;
    this.#size = options.size;
    this.records = records;
    this.end = end;
    this.#fillAhead();
  }

  /** Resolves when the record is durable. */
  async append(record: readonly Uint8Array[]): Promise<void> {
    const end = this.end + lengthOf(record);
    // Zeros that are being written must not fall on the record.
    while (end > this.#size && this.#filling !== null) await this.#filling;
    await this.#o.file.write(record, this.end);
    this.end = end;
    this.#size = Math.max(this.#size, end);
    this.records++;
    this.#fillAhead();
  }

  /**
   * No record follows, for now or for ever. The prepared zeros stay, because they are not the beginning of a record.
   */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#filling?.catch(() => undefined);
    await this.#o.ahead.close();
    await this.#o.file.close();
  }

  #fillAhead(): void {
    const { aheadBytes, fullBytes } = this.#o;
    if (this.#filling !== null || this.#closed || this.#size - this.end >= aheadBytes / 2) return;
    const to = Math.min(this.end + aheadBytes, fullBytes);
    if (to <= this.#size) return;
    this.#filling = this.#fill(to).then(() => {
      this.#size = to;
      this.#filling = null;
    });
    // A disk that refuses is noticed by the record that needs the room: the promise stays.
    this.#filling.catch(() => undefined);
  }

  async #fill(to: number): Promise<void> {
    const { ahead } = this.#o;
    for (let at = this.#size; at < to; at += ZEROS.length) {
      // `close` waits for it.
      if (this.#closed) return;
      await ahead.write([ZEROS.subarray(0, Math.min(ZEROS.length, to - at))], at);
    }
    await ahead.sync();
  }
}
