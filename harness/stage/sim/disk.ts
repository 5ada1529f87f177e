import type { LogIndex } from '../../../node/raft/types.ts';
import type { LogWrite, Recovered, Snapshots, Storage } from '../../../node/replica/ports.ts';
import type { VirtualTime } from './time.ts';

export interface SimDiskParts {
  /** Storage that holds the bytes: the in-memory variant of the write-ahead log. */
  readonly storage: Storage;
  readonly time: VirtualTime;
  /** Duration of the next write in ms; null while the disk hangs. */
  readonly delayMs: () => number | null;
  /** Delivers a result to the process: at once, or after it is resumed. */
  readonly inform: (learn: () => void) => void;
}

/** Time between two checks of a hanging disk, in virtual ms. */
const HANG_POLL_MS = 10;

/**
 * A disk whose writes take time. A write is one record: if a crash interrupts it, it is on the disk as a whole or not
 * at all.
 */
export class SimDisk implements Storage {
  readonly #parts: SimDiskParts;
  #underWay: readonly LogWrite[] | null = null;
  #lost = false;

  constructor(parts: SimDiskParts) {
    this.#parts = parts;
  }

  /** Saving or receiving a snapshot waits for the disk at each piece; everything else continues meanwhile. */
  get snapshots(): Snapshots {
    const { snapshots } = this.#parts.storage;
    const slowly = async <T>(result: Promise<T>): Promise<T> => {
      await this.#written();
      const value = await result;
      await new Promise<void>((resolve) => this.#parts.inform(resolve));
      return value;
    };
    return {
      load: (restore) => snapshots.load(restore),
      save: async (header, state) => {
        const blocks: Uint8Array[] = [];
        for (const block of state) {
          blocks.push(Buffer.from(block));
          await this.#written();
        }
        return slowly(snapshots.save(header, blocks));
      },
      open: () => snapshots.open(),
      receive: async () => {
        const sink = await snapshots.receive();
        return {
          write: (bytes) => slowly(sink.write(bytes)),
          finish: () => slowly(sink.finish()),
          abort: () => sink.abort(),
        };
      },
    };
  }

  recover(): Promise<Recovered> {
    return this.#parts.storage.recover();
  }

  async write(batch: readonly LogWrite[]): Promise<void> {
    this.#underWay = batch;
    await this.#written();
    await this.#parts.storage.write(batch);
    this.#underWay = null;
    await new Promise<void>((resolve) => this.#parts.inform(resolve));
  }

  roll(): void {
    this.#parts.storage.roll();
  }

  compact(index: LogIndex): void {
    this.#parts.storage.compact(index);
  }

  close(): Promise<void> {
    return this.#parts.storage.close();
  }

  /**
   * The power fails. `lands` is true if the current write reaches the disk. The node is not informed of any write
   * again.
   */
  async crash(lands: boolean): Promise<void> {
    this.#lost = true;
    if (lands && this.#underWay !== null) await this.#parts.storage.write(this.#underWay);
    await this.#parts.storage.close();
  }

  /** Resolves when the disk has finished the write; after a crash it never does. */
  #written(): Promise<void> {
    const { time, delayMs } = this.#parts;
    return new Promise((resolve) => {
      const tryAgain = (): void => {
        if (this.#lost) return;
        const delay = delayMs();
        if (delay === null) time.after(HANG_POLL_MS, tryAgain);
        else time.after(delay, () => (this.#lost ? undefined : resolve()));
      };
      tryAgain();
    });
  }
}
