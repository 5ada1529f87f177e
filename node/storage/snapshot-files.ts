import { join } from 'node:path';
import { SnapshotDamage } from '../replica/ports.ts';
import type {
  SnapshotHeader,
  Snapshots,
  SnapshotSink,
  SnapshotSource,
  StoredSnapshot,
} from '../replica/ports.ts';
import type { Files, OpenFile } from './files.ts';
import { damaged } from './recovery.ts';
import { snapshotBytes, SnapshotReader } from './snapshot-format.ts';

const SNAPSHOT_NAME = /^snapshot-(\d{16})\.snap$/;
const READ_BYTES = 1 << 18;

export interface SnapshotFilesOptions {
  readonly files: Files;
  readonly folder: string;
  /** Called when the disk fails. Returns the error that is thrown from then on. */
  readonly failed: (error: unknown) => Error;
}

/** Snapshots as files of the data folder. A file gets its final name when it is complete and durable. */
export class SnapshotFiles implements Snapshots {
  readonly #o: SnapshotFilesOptions;
  #newest: StoredSnapshot | null = null;
  /** Header of the snapshot that was found and is not loaded yet. */
  #found: SnapshotHeader | null = null;
  #temporary = 0;

  constructor(options: SnapshotFilesOptions) {
    this.#o = options;
  }

  /** Finds the newest snapshot, and reads only its header. */
  async find(names: readonly string[]): Promise<SnapshotHeader | null> {
    const newest = snapshotIndexes(names).at(-1);
    if (newest === undefined) return null;
    const path = this.#path(newest);
    const file = await this.#o.files.open(path, { fresh: false, durable: false });
    try {
      this.#found = await this.#readHeader(file, path);
    } finally {
      await file.close();
    }
    return this.#found;
  }

  async load(restore: (block: Uint8Array) => void): Promise<StoredSnapshot> {
    const found = this.#found;
    if (found === null) throw new Error('there is no snapshot to load');
    const path = this.#path(found.index);
    const reader = new SnapshotReader();
    try {
      await this.#eachPiece(path, (piece) => reader.push(piece).forEach(restore));
      this.#newest = reader.end();
    } catch (error) {
      if (error instanceof SnapshotDamage) return this.#damaged(path, error);
      throw this.#o.failed(error);
    }
    await this.#removeOlder();
    return this.#newest;
  }

  async save(header: SnapshotHeader, state: Iterable<Uint8Array>): Promise<StoredSnapshot> {
    const path = this.#temporaryPath();
    try {
      const file = await this.#o.files.open(path, { fresh: true, durable: false });
      try {
        const bytes = snapshotBytes(header, state);
        let at = 0;
        for (let next = bytes.next(); ; next = bytes.next()) {
          if (next.done) return await this.#accept(file, path, next.value);
          await file.write([next.value], at);
          at += next.value.length;
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      throw this.#o.failed(error);
    }
  }

  async open(): Promise<SnapshotSource | null> {
    for (;;) {
      const snapshot = this.#newest;
      if (snapshot === null) return null;
      try {
        const file = await this.#o.files.open(this.#path(snapshot.index), { fresh: false, durable: false });
        return { snapshot, read: (offset, length) => file.read(offset, length), close: () => file.close() };
      } catch (error) {
        // If a newer snapshot has replaced this one meanwhile, the error means nothing.
        if (this.#newest === snapshot) throw this.#o.failed(error);
      }
    }
  }

  async receive(): Promise<SnapshotSink> {
    const path = this.#temporaryPath();
    const { files, failed } = this.#o;
    try {
      const file = await files.open(path, { fresh: true, durable: false });
      return new FileSink({
        file,
        failed,
        accept: (snapshot) => this.#accept(file, path, snapshot),
        remove: () => files.remove(path),
      });
    } catch (error) {
      throw failed(error);
    }
  }

  /** Gives a complete file its final name, unless there is a newer snapshot meanwhile. */
  async #accept(file: OpenFile, path: string, snapshot: StoredSnapshot): Promise<StoredSnapshot> {
    const { files, folder } = this.#o;
    if (this.#newest !== null && this.#newest.index >= snapshot.index) {
      await files.remove(path);
      return snapshot;
    }
    await file.sync();
    await files.rename(path, this.#path(snapshot.index));
    await files.syncFolder(folder);
    this.#newest = snapshot;
    await this.#removeOlder();
    return snapshot;
  }

  async #removeOlder(): Promise<void> {
    const { files, folder } = this.#o;
    for (const index of snapshotIndexes(await files.list(folder))) {
      if (index < this.#newest!.index) await files.remove(this.#path(index));
    }
  }

  async #readHeader(file: OpenFile, path: string): Promise<SnapshotHeader> {
    const reader = new SnapshotReader();
    try {
      for (let at = 0; reader.header === null;) {
        const piece = await file.read(at, READ_BYTES);
        if (piece.length === 0) reader.end();
        reader.push(piece);
        at += piece.length;
      }
      return reader.header;
    } catch (error) {
      if (error instanceof SnapshotDamage) return this.#damaged(path, error);
      throw error;
    }
  }

  async #eachPiece(path: string, take: (piece: Buffer) => void): Promise<void> {
    const file = await this.#o.files.open(path, { fresh: false, durable: false });
    try {
      for (let at = 0; ;) {
        const piece = await file.read(at, READ_BYTES);
        if (piece.length === 0) return;
        take(piece);
        at += piece.length;
      }
    } finally {
      await file.close();
    }
  }

  #damaged(path: string, { message }: SnapshotDamage): never {
    const [, offset, what] = /^offset (\d+): (.*)$/s.exec(message)!;
    return damaged(this.#o.folder, path, Number(offset), what!);
  }

  #path(index: number): string {
    return join(this.#o.folder, `snapshot-${String(index).padStart(16, '0')}.snap`);
  }

  #temporaryPath(): string {
    return join(this.#o.folder, `snapshot-${this.#temporary++}.tmp`);
  }
}

interface FileSinkOptions {
  readonly file: OpenFile;
  readonly failed: (error: unknown) => Error;
  readonly accept: (snapshot: StoredSnapshot) => Promise<StoredSnapshot>;
  readonly remove: () => Promise<void>;
}

class FileSink implements SnapshotSink {
  readonly #o: FileSinkOptions;
  readonly #reader = new SnapshotReader();
  #at = 0;
  #ended = false;

  constructor(options: FileSinkOptions) {
    this.#o = options;
  }

  async write(bytes: Uint8Array): Promise<readonly Uint8Array[]> {
    const blocks = this.#reader.push(bytes);
    const at = this.#at;
    this.#at += bytes.length;
    await this.#o.file.write([bytes], at).catch((error: unknown) => {
      throw this.#o.failed(error);
    });
    return blocks;
  }

  async finish(): Promise<StoredSnapshot> {
    const snapshot = this.#reader.end();
    this.#ended = true;
    try {
      return await this.#o.accept(snapshot);
    } catch (error) {
      throw this.#o.failed(error);
    } finally {
      await this.#o.file.close();
    }
  }

  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    try {
      await this.#o.file.close();
      await this.#o.remove();
    } catch (error) {
      throw this.#o.failed(error);
    }
  }
}

function snapshotIndexes(names: readonly string[]): number[] {
  return names
    .flatMap((name) => SNAPSHOT_NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}
