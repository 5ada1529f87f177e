import { readFileSync, writeFileSync } from 'node:fs';

const KIB_PER_MIB = 1_024;

/**
 * Lets the high-water mark of this process's resident memory begin anew at what it is now, without the room that what
 * came before took and does not use any more. Linux only.
 */
export function forgetPeak(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  writeFileSync('/proc/self/clear_refs', '5');
}

/** The high-water mark since `forgetPeak`, MiB. */
export function peakMiB(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  const kib = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1];
  if (kib === undefined) throw new Error('/proc/self/status has no VmHWM');
  return Math.round(Number(kib) / KIB_PER_MIB);
}
