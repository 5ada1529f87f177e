import { readFileSync } from 'node:fs';

/** Unit of CPU times in /proc/PID/stat, per second: USER_HZ, which is 100 on every Linux. */
const CLOCK_TICKS_PER_S = 100;

/** CPU time (user and system) of all threads of the processes so far, in seconds. An ended process counts 0. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSecondsIn(`${pid}/stat`), 0);
}

/** CPU time (user and system) of the main thread so far, in seconds. 0 if the process has ended. */
export function mainThreadCpuSeconds(pid: number): number {
  return cpuSecondsIn(`${pid}/task/${pid}/stat`);
}

function cpuSecondsIn(stat: string): number {
  const fields = proc(stat)
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / CLOCK_TICKS_PER_S;
}

/** Resident memory of a process in MiB. 0 if it has ended, or if the operating system has no /proc. */
export function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(proc(`${pid}/status`))?.[1] ?? 0) / 1_024;
}

/**
 * Number of flushes that all disks of the machine have completed (field 19 of /proc/diskstats, since Linux 5.5). It
 * measures durable writes independently of both sides, but also counts those of other programs.
 */
export function diskFlushes(): number {
  let flushes = 0;
  for (const line of proc('diskstats').split('\n')) {
    const fields = line.trim().split(/\s+/);
    // Only whole disks. The name of a partition ends with a digit after a letter or p.
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
