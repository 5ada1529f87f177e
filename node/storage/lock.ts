import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { StorageError } from '../replica/ports.ts';

/** Number of tries for a lock whose owner is gone; each try covers one owner that died meanwhile. */
const MAX_TRIES = 10;

/**
 * One node per data folder: a file `lock` that names its owner's pid and the time at which that process
 * began, so that a lock left by `kill -9` is seen to be stale, also when its pid is in use again. A stopped
 * (SIGSTOP) owner still holds it.
 */
export class FolderLock {
  readonly #path: string;
  readonly #content: string;

  private constructor(path: string, content: string) {
    this.#path = path;
    this.#content = content;
  }

  /** Rejects with `StorageError` if a live process holds the folder. */
  static async take(folder: string): Promise<FolderLock> {
    const path = join(folder, 'lock');
    const token = randomBytes(8).toString('hex');
    const content = JSON.stringify({ pid: process.pid, began: await beganAt(process.pid), token });
    const mine = `${path}.${token}`;
    await fs.writeFile(mine, content);
    try {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        // A hard link either makes `lock`, with its content already in it, or fails because there is one.
        if (await succeeds(fs.link(mine, path), 'EEXIST')) {
          // If two nodes cleared the same stale lock at once, the later link is the valid one.
          if ((await read(path)) === content) return new FolderLock(path, content);
          continue;
        }
        const held = await read(path);
        if (held === null) continue;
        const owner = await liveOwner(held);
        if (owner !== null) {
          throw new StorageError(
            `data folder ${folder} is in use by the node with pid ${owner}; give each node a folder of its own`,
          );
        }
        await clear(path, held, token);
      }
      throw new StorageError(
        `data folder ${folder}: its lock changed hands ${MAX_TRIES} times; start fewer nodes on it`,
      );
    } finally {
      await fs.unlink(mine);
    }
  }

  async release(): Promise<void> {
    if ((await read(this.#path)) === this.#content) await succeeds(fs.unlink(this.#path), 'ENOENT');
  }
}

/** Removes a stale lock, but not the one that another node may have put in its place since it was read. */
async function clear(path: string, stale: string, token: string): Promise<void> {
  const aside = `${path}.stale.${token}`;
  if (!(await succeeds(fs.rename(path, aside), 'ENOENT'))) return;
  if ((await read(aside)) !== stale) await succeeds(fs.link(aside, path), 'EEXIST');
  await fs.unlink(aside);
}

/**
 * The pid that holds the lock; null if that process is gone. A lock that cannot be read was torn by a crash and has no
 * owner.
 */
async function liveOwner(content: string): Promise<number | null> {
  let owner: { pid?: unknown; began?: unknown };
  try {
    owner = JSON.parse(content) as typeof owner;
  } catch {
    return null;
  }
  const { pid, began } = owner;
  if (typeof pid !== 'number' || !isAlive(pid)) return null;
  const now = await beganAt(pid);
  return now !== null && began !== null && now !== began ? null : pid;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * When the process began, in the kernel's ticks since boot, with the boot's id; null where there is no /proc.
 */
async function beganAt(pid: number): Promise<string | null> {
  try {
    const stat = await fs.readFile(`/proc/${pid}/stat`, 'utf8');
    const boot = await fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    // The name in parentheses may contain anything; field 22 is counted from its end.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return ticks === undefined ? null : `${boot.trim()}/${ticks}`;
  } catch {
    return null;
  }
}

async function read(path: string): Promise<string | null> {
  try {
    return await fs.readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function succeeds(act: Promise<void>, expected: string): Promise<boolean> {
  try {
    await act;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === expected) return false;
    throw error;
  }
}
