import { readFileSync } from 'node:fs';

/** The unit of /proc/PID/stat, 1/s: USER_HZ, 100 on every Linux. */
const CLOCK_TICKS_PER_S = 100;

/** CPU time of the processes so far (all threads; user and system), seconds. A process that is gone counts 0. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = proc(`${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ');
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks / CLOCK_TICKS_PER_S;
}

/** Resident memory, MiB. */
export function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(proc(`${pid}/status`))?.[1] ?? 0) / 1_024;
}

/**
 * Flushes that all disks of the machine have completed (field 19 of /proc/diskstats, Linux 5.5): durable writes seen
 * from outside either side. Other programs' count too.
 */
export function diskFlushes(): number {
  let flushes = 0;
  for (const line of proc('diskstats').split('\n')) {
    const fields = line.trim().split(/\s+/);
    // Whole disks only: a partition's name ends in a digit behind a letter or p.
    if (/^(?:[svx]vd?[a-z]+|nvme\d+n\d+|vd[a-z]+|sd[a-z]+)$/.test(fields[2] ?? ''))
      flushes += Number(fields[18] ?? 0);
  }
  return flushes;
}

function proc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return '';
  }
}
