import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { StorageError } from '../replica/ports.ts';

/** Maximum number of tries to take a stale lock. Each try can fail because another owner took it and ended. */
const MAX_TRIES = 10;

/**
 * Lock that allows one node per data folder: a file `lock` with its owner's pid and the start time of that process. So
 * a lock that is left after `kill -9` is known to be stale, even if its pid is in use again. A paused (SIGSTOP) owner
 * keeps its lock.
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
        // A hard link either makes `lock` with its whole content, or fails because `lock` exists.
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
        `data folder ${folder}: other nodes took its lock ${MAX_TRIES} times; start only one node with it`,
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
 * Returns the pid of the lock's owner; null if that process has ended. A lock that cannot be read was torn by a crash,
 * and has no owner.
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
 * Returns the start time of a process, in the kernel's ticks since boot, with the boot's id; null without /proc.
 */
async function beganAt(pid: number): Promise<string | null> {
  try {
    const stat = await fs.readFile(`/proc/${pid}/stat`, 'utf8');
    const boot = await fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    // The name in parentheses may contain any characters, so field 22 is counted from the closing parenthesis.
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
