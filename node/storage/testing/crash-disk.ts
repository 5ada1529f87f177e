import type { Files, OpenFile, OpenOptions } from '../files.ts';

/** The machine has lost power, so every action fails until the restart. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** Content of a file: the bytes on the disk, and the writes that are only in memory, oldest first. */
interface Inode {
  disk: Buffer;
  cached: ((content: Buffer) => Buffer)[];
}

type NameChange = (names: Map<string, Inode>) => void;

/**
 * A file system in memory that can lose power at any of its changes. Synced data is kept. Of the other writes, the
 * first ones may also be kept, including some bytes of the write under way. Changes of names are also kept or lost,
 * each by itself, until the folder is synced.
 */
export class CrashDisk implements Files {
  readonly #random: () => number;
  /** The content of the disk. */
  #names = new Map<string, Inode>();
  #changes: NameChange[] = [];
  /** Number of changes until the crash. */
  #left = Infinity;
  #life = 0;
  #down = false;

  /** `random` returns numbers in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Lets the power fail after `changes` further changes; 0: at the next one. */
  crashAfter(changes: number): void {
    this.#left = changes;
  }

  get down(): boolean {
    return this.#down;
  }

  /** Restores the power. Files that were opened before cannot be used any more. */
  restart(): void {
    if (!this.#down) this.#lose();
    this.#left = Infinity;
    this.#down = false;
    this.#life++;
  }

  names(): string[] {
    return [...this.#view().keys()];
  }

  async makeFolder(): Promise<void> {}

  async lock(): Promise<() => Promise<void>> {
    return async () => {};
  }

  async list(folder: string): Promise<string[]> {
    this.#check();
    return this.names().map((path) => path.slice(folder.length + 1));
  }

  async readAll(path: string): Promise<Buffer> {
    return Buffer.from(content(this.#inode(path)));
  }

  async open(path: string, { fresh, durable }: OpenOptions): Promise<OpenFile> {
    if (fresh && !this.#view().has(path)) {
      const inode: Inode = { disk: Buffer.alloc(0), cached: [] };
      this.#change((names) => names.set(path, inode));
    } else if (fresh) {
      this.#write(this.#inode(path), false, () => Buffer.alloc(0));
    }
    return this.#file(this.#inode(path), durable);
  }

  async rename(from: string, to: string): Promise<void> {
    const inode = this.#inode(from);
    this.#change((names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  async remove(path: string): Promise<void> {
    this.#inode(path);
    this.#change((names) => names.delete(path));
  }

  async syncFolder(): Promise<void> {
    this.#step();
    for (const change of this.#changes.splice(0)) change(this.#names);
  }

  #file(inode: Inode, durable: boolean): OpenFile {
    const life = this.#life;
    const alive = (): void => {
      if (life !== this.#life) throw new Crash('the file was opened before the power failed');
      this.#check();
    };
    return {
      write: async (pieces, position) => {
        alive();
        const copy = Buffer.concat(pieces);
        this.#write(inode, durable, (before, torn = copy.length) =>
          overwritten(before, copy.subarray(0, torn), position),
        );
      },
      read: async (position, length) => {
        alive();
        return Buffer.from(content(inode).subarray(position, position + length));
      },
      truncate: async (size) => {
        alive();
        this.#write(inode, false, (before) => before.subarray(0, size));
      },
      sync: async () => {
        alive();
        this.#step();
        inode.disk = content(inode);
        inode.cached = [];
      },
      size: async () => {
        alive();
        return content(inode).length;
      },
      close: async () => {},
    };
  }

  /** Writes to a file. If power fails during the write, `torn` is the number of bytes that reach the disk. */
  #write(inode: Inode, durable: boolean, write: (before: Buffer, torn?: number) => Buffer): void {
    const torn = this.#int(200);
    this.#step(() => (inode.disk = write(content(inode), torn)));
    if (durable) {
      inode.disk = write(content(inode));
      inode.cached = [];
    } else {
      inode.cached.push((before) => write(before));
    }
  }

  #change(change: NameChange): void {
    this.#step();
    this.#changes.push(change);
  }

  /** Lets the power fail here if it is time. `torn` then does a part of the action. */
  #step(torn: () => void = () => {}): void {
    this.#check();
    if (this.#left-- > 0) return;
    torn();
    this.#lose();
    throw new Crash('the power has failed');
  }

  #lose(): void {
    this.#down = true;
    const inodes = new Set([...this.#names.values(), ...this.#view().values()]);
    for (const inode of inodes) {
      const kept = this.#int(inode.cached.length + 1);
      inode.disk = inode.cached.slice(0, kept).reduce((bytes, write) => write(bytes), inode.disk);
      inode.cached = [];
    }
    for (const change of this.#changes.splice(0)) if (this.#random() < 0.5) change(this.#names);
  }

  #check(): void {
    if (this.#down) throw new Crash('the power has failed');
  }

  #view(): Map<string, Inode> {
    const names = new Map(this.#names);
    for (const change of this.#changes) change(names);
    return names;
  }

  #inode(path: string): Inode {
    this.#check();
    const inode = this.#view().get(path);
    if (inode === undefined) throw new Error(`ENOENT: ${path}`);
    return inode;
  }

  #int(below: number): number {
    return Math.floor(this.#random() * below);
  }
}

const content = ({ disk, cached }: Inode): Buffer => cached.reduce((bytes, write) => write(bytes), disk);

function overwritten(before: Buffer, bytes: Buffer, position: number): Buffer {
  const after = Buffer.alloc(Math.max(before.length, position + bytes.length));
  before.copy(after);
  bytes.copy(after, position);
  return after;
}
