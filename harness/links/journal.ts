import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { systemReason } from '../system-reason.ts';

const processSchema = z.object({ pid: z.number().int().positive(), identity: z.string(), what: z.string() });
const journalSchema = z.object({ owner: z.string(), processes: z.array(processSchema) });
type Recorded = z.infer<typeof processSchema>;

/** Records of this process, by folder. */
const records = new Map<string, Map<number, Recorded>>();

/**
 * Records in `<cacheDir>/runs/<our pid>.json` that this process started process `pid`, so that `chaos clean` can end it
 * if this process is killed first. `what`: a name for people, such as "toxiproxy-server". Returns a function that
 * removes the record.
 */
export async function recordPid(cacheDir: string, pid: number, what: string): Promise<() => void> {
  const [owner, identity] = await Promise.all([identityOf(process.pid), identityOf(pid)]);
  const processes = records.get(cacheDir) ?? new Map<number, Recorded>();
  records.set(cacheDir, processes);
  if (identity !== null) processes.set(pid, { pid, identity, what });
  const save = (): void => write(cacheDir, owner ?? '', processes);
  save();
  return () => {
    processes.delete(pid);
    save();
  };
}

/** SIGKILL to all that this process has on record, at once and without waiting: for its own sudden end. */
export function killRecorded(): void {
  for (const { pid } of [...records.values()].flatMap((processes) => [...processes.values()])) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
}

/**
 * Ends (SIGKILL) the processes that chaos runs left behind which are gone themselves. A process is ended only if it is
 * still the recorded one, because the kernel may have given its id to another program. Returns one line per ended
 * process.
 */
export async function cleanStale(cacheDir: string): Promise<readonly string[]> {
  const ended: string[] = [];
  for (const name of listJournals(cacheDir)) {
    const file = join(cacheDir, 'runs', name);
    const owner = Number.parseInt(name, 10);
    const journal = read(file);
    if (journal.owner !== '' && (await identityOf(owner)) === journal.owner) continue;
    for (const { pid, identity, what } of journal.processes) {
      if ((await identityOf(pid)) !== identity) continue;
      process.kill(pid, 'SIGKILL');
      ended.push(`${what}, pid ${pid}, left by chaos ${owner}`);
    }
    rmSync(file, { force: true });
  }
  return ended;
}

function write(cacheDir: string, owner: string, processes: ReadonlyMap<number, Recorded>): void {
  const dir = join(cacheDir, 'runs');
  const file = join(dir, `${process.pid}.json`);
  if (processes.size === 0) {
    rmSync(file, { force: true });
    return;
  }
  try {
    mkdirSync(dir, { recursive: true });
    writeFileSync(file, JSON.stringify({ owner, processes: [...processes.values()] }));
  } catch {
    // A full or read-only disk: a run can go on without this safety net, and its other losses are reported elsewhere.
  }
}

function read(file: string): z.infer<typeof journalSchema> {
  try {
    return journalSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Cut short by a crash while it was written: there is nothing in it to act on.
    return { owner: '', processes: [] };
  }
}

function listJournals(cacheDir: string): readonly string[] {
  try {
    return readdirSync(join(cacheDir, 'runs')).filter((name) => /^\d+\.json$/.test(name));
  } catch {
    return [];
  }
}

/** Only these errors say that there is no such process: a record of a live run must not be taken for an old one. */
function nullIfGone(error: unknown, pid: number): null {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ESRCH') return null;
  throw new Error(`cannot tell whether process ${pid} runs: ${systemReason(error)}`, { cause: error });
}

/** When a process began, and its command line; null if there is no such process. */
async function identityOf(pid: number): Promise<string | null> {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold spaces; the 22nd field of the whole line is the start time in clock ticks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return null;
    return `${fields[19]} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()}`;
  } catch (error) {
    if (process.platform === 'linux') return nullIfGone(error, pid);
  }
  const result = await execa('ps', ['-o', 'lstart=,args=', '-p', String(pid)], {
    reject: false,
    timeout: 2_000,
  });
  return result.stdout?.trim() || null;
}
