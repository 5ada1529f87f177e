import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemReason } from '../system-reason.ts';
import { call, isNotFound, isServerGone, toxiproxyAt } from './deadline.ts';
import { journalFolders, listJournals, readJournal, type Journal } from './journal.ts';
import { identityOf, placeOfProcesses } from './process-identity.ts';

/** Maximum time for a killed process to disappear, and time between two checks, in ms. */
const GONE_WITHIN_MS = 5_000;
const GONE_POLL_MS = 20;

/** Messages about things that were cleaned, and about things that could not be cleaned: one line for each. */
export interface Cleaned {
  readonly done: readonly string[];
  readonly failed: readonly string[];
}

/**
 * Ends the processes (SIGKILL), and removes the proxies and folders, of chaos runs that were killed. A process is ended
 * only if it is still the recorded one, because the kernel may have given its id to another program. Nothing of a live
 * run is touched. If something cannot be cleaned, its journal stays, so that a later call tries again.
 */
export async function cleanStale(cacheDir: string): Promise<Cleaned> {
  const done: string[] = [];
  const failed: string[] = [];
  for (const { pid, file } of journalFolders(cacheDir).flatMap(listJournals)) {
    try {
      const journal = readJournal(file);
      if (await isLive(pid, journal)) continue;
      if (journal !== null && journal.place !== placeOfProcesses()) {
        failed.push(`${file} belongs to another machine or container; run chaos clean there`);
        continue;
      }
      const problems = journal === null ? [] : await cleanUp(journal, pid, done);
      failed.push(...problems);
      if (problems.length === 0) rmSync(file, { force: true });
    } catch (error) {
      failed.push(`${file}: ${systemReason(error)}`);
    }
  }
  return { done, failed };
}

/** A journal that cannot be parsed counts as that of a live run as long as a process has its id. */
async function isLive(pid: number, journal: Journal | null): Promise<boolean> {
  const identity = await identityOf(pid);
  return identity !== null && (journal === null || journal.owner === '' || journal.owner === identity);
}

/** Ends processes first, because they could create their files again. Returns messages about what failed. */
async function cleanUp(journal: Journal, owner: number, done: string[]): Promise<readonly string[]> {
  const failed: string[] = [];
  const attempt = async (what: string, act: () => Promise<string | null>): Promise<void> => {
    try {
      const verb = await act();
      if (verb !== null) done.push(`${verb} ${what}, left by chaos ${owner}`);
    } catch (error) {
      failed.push(`${what}, left by chaos ${owner}: ${systemReason(error)}`);
    }
  };
  for (const { pid, identity, what } of journal.processes)
    await attempt(`${what}, pid ${pid}`, async () => ((await endProcess(pid, identity)) ? 'ended' : null));
  for (const { url, name } of journal.proxies)
    await attempt(`proxy ${name} at ${url}`, async () => ((await removeProxy(url, name)) ? 'removed' : null));
  for (const path of journal.folders)
    await attempt(`folder ${path}`, async () => (removeFolder(path) ? 'removed' : null));
  return failed;
}

/**
 * Ends the process and the process group that it leads. Returns false if it was gone, or if another program has its id
 * now.
 */
async function endProcess(pid: number, identity: string): Promise<boolean> {
  if ((await identityOf(pid)) !== identity) return false;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    process.kill(pid, 'SIGKILL');
  }
  const until = performance.now() + GONE_WITHIN_MS;
  while ((await identityOf(pid)) === identity) {
    if (performance.now() > until) throw new Error(`it is still there ${GONE_WITHIN_MS} ms after SIGKILL`);
    await sleep(GONE_POLL_MS);
  }
  return true;
}

/** Returns false if the proxy was gone, or if the server was gone, and all its proxies with it. */
async function removeProxy(url: string, name: string): Promise<boolean> {
  const api = toxiproxyAt(url);
  try {
    await call(`delete proxy ${name}`, async () => (await api.get(name)).remove());
    return true;
  } catch (error) {
    if (isNotFound(error) || isServerGone(error)) return false;
    throw error;
  }
}

function removeFolder(path: string): boolean {
  try {
    rmSync(path, { recursive: true, maxRetries: 3 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
