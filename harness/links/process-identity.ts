import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { execa } from 'execa';
import { systemReason } from '../system-reason.ts';

/**
 * Start time of a process, by which it differs from any later process with the same id; null if there is no such
 * process.
 */
export async function identityOf(pid: number): Promise<string | null> {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold spaces; the 22nd field of the whole line is the start time in clock ticks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return null;
    // The ticks count from the start of the machine, and each start has its own id.
    return `${fields[19]} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch (error) {
    if (process.platform === 'linux') return nullIfGone(error, pid);
  }
  const result = await execa('ps', ['-o', 'lstart=', '-p', String(pid)], { reject: false, timeout: 2_000 });
  return result.stdout?.trim() || null;
}

/** Only these errors mean that there is no such process. With any other error, the process may belong to a live run. */
function nullIfGone(error: unknown, pid: number): null {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ESRCH') return null;
  throw new Error(`cannot tell whether process ${pid} runs: ${systemReason(error)}`, { cause: error });
}

/** Name of the machine and the container to which process ids belong, because several of them may share a folder. */
export function placeOfProcesses(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
