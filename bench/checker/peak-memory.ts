import { readFileSync, writeFileSync } from 'node:fs';

const KIB_PER_MIB = 1_024;

/**
 * Resets the peak of this process's resident memory to its current value, after freeing all unused memory. Linux only.
 */
export function forgetPeak(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  writeFileSync('/proc/self/clear_refs', '5');
}

/** Peak of the resident memory since `forgetPeak`, in MiB. */
export function peakMiB(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  const kib = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1];
  if (kib === undefined) throw new Error('/proc/self/status has no VmHWM');
  return Math.round(Number(kib) / KIB_PER_MIB);
}
