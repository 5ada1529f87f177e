import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { Files, OpenFile } from './files.ts';
import { OpenSegment } from './open-segment.ts';
import { encodeHeader, HEADER_BYTES } from './segment.ts';
import type { SegmentHeader } from './segment.ts';

export interface SupplyOptions {
  readonly files: Files;
  readonly folder: string;
  readonly segmentBytes: number;
  readonly aheadBytes: number;
}

/** Name of an unfinished segment, which a start removes. */
const NEXT = 'wal-next.tmp';
const SPARE = 'wal-spare.tmp';

export const segmentPath = (folder: string, number: number): string =>
  join(folder, `wal-${String(number).padStart(10, '0')}.log`);

/**
 * Makes segments. The next one is made while the current one is written, so that the change to it needs only a rename.
 * A segment that is not needed any more is used again as the next one, because its blocks are on the disk already.
 */
export class SegmentSupply {
  readonly #o: SupplyOptions;
  /** Background work; the tasks run one after the other. */
  #chores: Promise<void> = Promise.resolve();
  #next: Promise<OpenSegment> | null = null;
  #hasSpare = false;

  constructor(options: SupplyOptions) {
    this.#o = options;
  }

  /** Begins to make segment `number`, unless this has begun already. */
  prepare(number: number): void {
    if (this.#next !== null) return;
    this.#next = this.#chores.then(() => this.#make(number));
    // A failure is reported when the segment is taken.
    this.#chores = this.#next.then(
      () => undefined,
      () => undefined,
    );
  }

  /** Returns segment `number`, open for records. Its header and its name in the folder are durable. */
  async take(number: number): Promise<OpenSegment> {
    this.prepare(number);
    const segment = await this.#next!;
    this.#next = null;
    const { files, folder } = this.#o;
    await files.rename(join(folder, NEXT), segmentPath(folder, number));
    await files.syncFolder(folder);
    return segment;
  }

  /**
   * Opens an existing segment, to continue after its valid records. If `cut`, everything after them is removed first.
   */
  async reopen(header: SegmentHeader, records: number, end: number, cut: boolean): Promise<OpenSegment> {
    const { files, folder } = this.#o;
    const path = segmentPath(folder, header.number);
    const file = await files.open(path, { fresh: false, durable: true });
    if (cut) {
      await file.truncate(end);
      await file.sync();
    }
    return this.#openSegment(path, file, header, { records, end });
  }

  /** Call it when segment `number` is not needed any more. Rejects if the disk fails. */
  retire(number: number): Promise<void> {
    const { files, folder } = this.#o;
    const retired = this.#chores.then(async () => {
      const path = segmentPath(folder, number);
      if (this.#hasSpare) return files.remove(path);
      await files.rename(path, join(folder, SPARE));
      this.#hasSpare = true;
    });
    this.#chores = retired.catch(() => undefined);
    return retired;
  }

  /** Resolves when no background work is left. */
  async close(): Promise<void> {
    await this.#chores;
    const next = this.#next;
    this.#next = null;
    await next?.then(
      (segment) => segment.close(),
      () => undefined,
    );
  }

  async #make(number: number): Promise<OpenSegment> {
    const { files, folder } = this.#o;
    const path = join(folder, NEXT);
    const recycled = this.#hasSpare;
    if (recycled) {
      await files.rename(join(folder, SPARE), path);
      // Without this sync, a crash could leave a file with the old segment's name and the new one's header.
      await files.syncFolder(folder);
      this.#hasSpare = false;
    }
    const file = await files.open(path, { fresh: !recycled, durable: true });
    const header = { number, salt: randomInt(2 ** 32), recycled };
    await file.write([encodeHeader(header)], 0);
    return this.#openSegment(path, file, header, { records: 0, end: HEADER_BYTES });
  }

  async #openSegment(
    path: string,
    file: OpenFile,
    header: SegmentHeader,
    { records, end }: { records: number; end: number },
  ): Promise<OpenSegment> {
    const { files, aheadBytes, segmentBytes: fullBytes } = this.#o;
    const ahead = await files.open(path, { fresh: false, durable: false });
    const size = await file.size();
    return new OpenSegment({ header, file, ahead, size, aheadBytes, fullBytes }, records, end);
  }
}
