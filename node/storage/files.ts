import { constants, promises as fs, writev } from 'node:fs';
import { FolderLock } from './lock.ts';

/** An open file of the data folder. Positions are bytes from its start. */
export interface OpenFile {
  /** Writes all `pieces`, one after the other, at `position`. Rejects if not all bytes can be written. */
  write(pieces: readonly Uint8Array[], position: number): Promise<void>;
  /** Reads `length` bytes from `position` on, or fewer at the end of the file. */
  read(position: number, length: number): Promise<Buffer>;
  /** Cuts the file to `size` bytes. */
  truncate(size: number): Promise<void>;
  /** Resolves when all written bytes and the file's size are durable. */
  sync(): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** True if the file is created, or emptied if it exists. */
  readonly fresh: boolean;
  /**
   * True if a write resolves only when it is durable (O_DSYNC). This needs one call in the thread pool instead of two.
   */
  readonly durable: boolean;
}

/**
 * Port: the functions of a file system that the storage needs. Names of files are durable only after `syncFolder`, and
 * their content only after `sync` (or a durable write). A crash may keep or lose all other changes.
 */
export interface Files {
  makeFolder(folder: string): Promise<void>;
  /**
   * Locks the folder. Resolves to a function that releases it. Rejects with `StorageError` if a live process has it.
   */
  lock(folder: string): Promise<() => Promise<void>>;
  list(folder: string): Promise<string[]>;
  readAll(path: string): Promise<Buffer>;
  open(path: string, options: OpenOptions): Promise<OpenFile>;
  /** Renames a file. An existing file with the new name is replaced. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncFolder(folder: string): Promise<void>;
}

export const NODE_FILES: Files = {
  makeFolder: async (folder) => void (await fs.mkdir(folder, { recursive: true })),
  lock: async (folder) => {
    const lock = await FolderLock.take(folder);
    return () => lock.release();
  },
  list: (folder) => fs.readdir(folder),
  readAll: (path) => fs.readFile(path),
  open: async (path, { fresh, durable }) => {
    const flags =
      constants.O_RDWR |
      (fresh ? constants.O_CREAT | constants.O_TRUNC : 0) |
      (durable ? constants.O_DSYNC : 0);
    return new NodeFile(await fs.open(path, flags));
  },
  rename: (from, to) => fs.rename(from, to),
  remove: (path) => fs.unlink(path),
  syncFolder: async (folder) => {
    const handle = await fs.open(folder, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

class NodeFile implements OpenFile {
  readonly #handle: fs.FileHandle;

  constructor(handle: fs.FileHandle) {
    this.#handle = handle;
  }

  /**
   * A write may be incomplete (a signal, a quota). The rest is written again until all is written or an error occurs.
   */
  write(pieces: readonly Uint8Array[], position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const writeOn = (left: readonly Uint8Array[], at: number): void =>
        writev(this.#handle.fd, left, at, (error, written) => {
          if (error !== null) return reject(error);
          const rest = behind(left, written);
          if (rest.length === 0) resolve();
          else if (written === 0) reject(new Error('a write to the disk wrote no bytes'));
          else writeOn(rest, at + written);
        });
      writeOn(pieces, position);
    });
  }

  async read(position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** The part of `pieces` after their first `bytes` bytes. */
export function behind(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  for (const piece of pieces) {
    if (bytes < piece.length) rest.push(piece.subarray(bytes));
    bytes = Math.max(0, bytes - piece.length);
  }
  return rest;
}
