import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemReason } from '../system-reason.ts';
import { call, toxiproxyAt } from './deadline.ts';
import { journalFolders, listJournals, readJournal, type Journal } from './journal.ts';
import { identityOf, placeOfProcesses } from './process-identity.ts';

/** Maximum time for a killed process to disappear, and time between two looks, in ms. */
const GONE_WITHIN_MS = 5_000;
const GONE_POLL_MS = 20;

/** What was cleaned, and what could not be: one line each. */
export interface Cleaned {
  readonly done: readonly string[];
  readonly failed: readonly string[];
}

/**
 * Ends (SIGKILL) the processes, and removes the proxies and folders, that chaos runs left behind which are gone
 * themselves. A process is ended only if it is still the recorded one, because the kernel may have given its id to
 * another program. What belongs to a run that goes on is not touched. What fails stays in the journal for a next time.
 */
export async function cleanStale(cacheDir: string): Promise<Cleaned> {
  const done: string[] = [];
  const failed: string[] = [];
  for (const { pid, file } of journalFolders(cacheDir).flatMap(listJournals)) {
    try {
      const journal = readJournal(file);
      if (await isLive(pid, journal)) continue;
      if (journal !== null && journal.place !== placeOfProcesses()) {
        failed.push(`${file} is of another machine or container: run chaos clean there`);
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

/** A journal that cannot be understood counts as that of a live run as long as there is a process of its id. */
async function isLive(pid: number, journal: Journal | null): Promise<boolean> {
  const identity = await identityOf(pid);
  return identity !== null && (journal === null || journal.owner === '' || journal.owner === identity);
}

/** Processes first, because they would make their files again. Returns what could not be done. */
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

/** Ends the process and its group, which it leads. False if it was gone, or its id is another program's by now. */
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

/** False if it was gone, or the server is, which takes its proxies along. */
async function removeProxy(url: string, name: string): Promise<boolean> {
  const api = toxiproxyAt(url);
  try {
    await call(`delete proxy ${name}`, async () => (await api.get(name)).remove());
    return true;
  } catch (error) {
    if (/status code 404|nothing listens there/.test((error as Error).message)) return false;
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
