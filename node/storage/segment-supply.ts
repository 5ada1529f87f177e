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

/** Names of unfinished files, which a start removes. */
const NEXT = 'wal-next.tmp';
const SPARE = 'wal-spare.tmp';

export const segmentPath = (folder: string, number: number): string =>
  join(folder, `wal-${String(number).padStart(10, '0')}.log`);

/**
 * Makes segments, the next one in advance while the current one is written, so that changing over costs only a rename.
 * A segment that is not needed any more becomes the next one again, because its blocks are on the disk already.
 */
export class SegmentSupply {
  readonly #o: SupplyOptions;
  /** Background work, one task after the other. */
  #chores: Promise<void> = Promise.resolve();
  #next: Promise<OpenSegment> | null = null;
  #hasSpare = false;

  constructor(options: SupplyOptions) {
    this.#o = options;
  }

  /** Begins to make segment `number`, unless that has begun. */
  prepare(number: number): void {
    if (this.#next !== null) return;
    this.#next = this.#chores.then(() => this.#make(number));
    // A failure is reported to the caller that takes the segment.
    this.#chores = this.#next.then(
      () => undefined,
      () => undefined,
    );
  }

  /** Segment `number` with its header and its name in the folder durable, open for records. */
  async take(number: number): Promise<OpenSegment> {
    this.prepare(number);
    const segment = await this.#next!;
    this.#next = null;
    const { files, folder } = this.#o;
    await files.rename(join(folder, NEXT), segmentPath(folder, number));
    await files.syncFolder(folder);
    return segment;
  }

  /** Opens an existing segment, to continue after its good records; everything after them is cut off first. */
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

  /** Segment `number` is not needed any more. Rejects if the disk refuses. */
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
      // Or a crash could leave the old segment's name with the new one's header in it.
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
