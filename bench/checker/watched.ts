import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';

const KIB_PER_MIB = 1_024;
const SAMPLE_MS = 5;

/** Runs Node.js with `args`. Returns its output and the peak of its resident memory, sampled often. Linux only. */
export async function watched(...args: readonly string[]): Promise<{ output: string; peakMiB: number }> {
  const { promise, resolve } = Promise.withResolvers<string>();
  // Exit codes other than 0 are verdicts, not errors.
  const child = execFile(process.execPath, args, (_, output) => resolve(output));
  let kib = 0;
  const sampling = setInterval(() => {
    kib = Math.max(kib, peakKib(child.pid!));
  }, SAMPLE_MS);
  const output = await promise;
  clearInterval(sampling);
  return { output, peakMiB: Math.round(kib / KIB_PER_MIB) };
}

function peakKib(pid: number): number {
  try {
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // It has ended.
  }
}
