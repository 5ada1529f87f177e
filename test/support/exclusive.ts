import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ROOT } from './chaos.ts';

const LOCK = join(ROOT, '.cache', 'test-locks');
const POLL_MS = 50;

/**
 * Waits until no other test process has the lock, and takes it. `chaos clean` cleans up after every killed run of a
 * checkout, so a test that kills a run and another one that cleans must not run at the same time.
 */
export async function exclusive(name: string): Promise<Disposable> {
  const folder = join(LOCK, name);
  mkdirSync(LOCK, { recursive: true });
  while (!taken(folder)) await setTimeout(POLL_MS);
  return { [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

function taken(folder: string): boolean {
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, 'pid'), String(process.pid));
    return true;
  } catch {
    if (hasEnded(folder)) rmSync(folder, { recursive: true, force: true });
    return false;
  }
}

/** True if the process that took the lock has ended without giving it back. */
function hasEnded(folder: string): boolean {
  try {
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    if (pid === 0) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
