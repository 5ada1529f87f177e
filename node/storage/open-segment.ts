import type { OpenFile } from './files.ts';
import { lengthOf } from './segment.ts';
import type { SegmentHeader } from './segment.ts';

/** Zeros of one write. They are few, so that a record never waits long for zeros that are written to the same file. */
const ZEROS = Buffer.alloc(256 << 10);

export interface OpenSegmentOptions {
  readonly header: SegmentHeader;
  /** File of the segment, open for durable writes. */
  readonly file: OpenFile;
  /** The same file, open for the zeros, so that many writes of zeros share one sync. */
  readonly ahead: OpenFile;
  readonly size: number;
  /** Number of bytes after the records that are filled with zeros in advance; 0: none. */
  readonly aheadBytes: number;
  /** Size in bytes up to which the file is filled with zeros. */
  readonly fullBytes: number;
}

/**
 * The segment to which records are appended. In the background, zeros are written after the records in advance, and
 * again when half of the zeros are used. To overwrite zeros and sync takes half the time of growing the file.
 */
export class OpenSegment {
  readonly header: SegmentHeader;
  readonly #o: OpenSegmentOptions;
  #size: number;
  #filling: Promise<void> | null = null;
  #closed = false;
  /** Offset of the next record. */
  end: number;
  /** Number of records. */
  records: number;
  /** Highest index of the entries in this segment that are still in the log; 0: there are none. */
  lastIndex = 0;

  constructor(options: OpenSegmentOptions, records: number, end: number) {
    this.header = options.header;
    this.#o = options;
    this.#size = options.size;
    this.records = records;
    this.end = end;
    this.#fillAhead();
  }

  /** Appends a record. Resolves when it is durable. */
  async append(record: readonly Uint8Array[]): Promise<void> {
    const end = this.end + lengthOf(record);
    // Zeros that are being written must not overwrite the record.
    while (end > this.#size && this.#filling !== null) await this.#filling;
    await this.#o.file.write(record, this.end);
    this.end = end;
    this.#size = Math.max(this.#size, end);
    this.records++;
    this.#fillAhead();
  }

  /**
   * Closes the file. The prepared zeros stay, because they cannot be mistaken for a record.
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
    // A failure is reported to the record that needs the space, because the promise stays.
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
