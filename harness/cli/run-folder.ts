import { lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { printableLine } from '../printable.ts';
import { OperatingError, operatingSentence, reasonOf } from './operating-error.ts';

/** Length of the longest name of a run's folder, and of a file in it, in characters. */
const LONGEST_RUN_NAME = 100;
const LONGEST_FILE_NAME = 60;
/** Number of bytes that are written to check for free space. The report of a short run has about this size. */
const PROBE_BYTES = 256 * 1_024;

/**
 * Returns the reason why reports cannot be written to the folder `out`, in one sentence; null if they can. It creates
 * the folder and tries to write into it, because permissions alone are not enough: root ignores them, and a disk may be
 * full.
 */
export function refusedOut(out: string): string | null {
  try {
    if (out === '') throw new OperatingError('the path is empty; name a folder');
    const folder = resolve(out);
    makeFolder(folder);
    const latest = stats(join(folder, 'latest'));
    if (latest !== null && !latest.isSymbolicLink())
      throw new OperatingError(
        `${printableLine(join(folder, 'latest'))} is not a link to a run; move it away`,
      );
    tryToWrite(folder);
    return null;
  } catch (error) {
    if (operatingSentence(error) === null) throw error;
    return `--out ${JSON.stringify(printableLine(shortened(out)))}: ${reasonOf(error)}`;
  }
}

/** `reports/20261123-231502-partition-leader-7`; a second run in the same second gets `-2`. */
export function makeRunDir(out: string, name: string, at: Date, seed: number): string {
  const stamp = at.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const base = resolve(out, `${stamp}-${name.replace(/[^\w.-]+/g, '-').slice(0, 60)}-${seed}`);
  makeFolder(resolve(out));
  for (let i = 1; ; i++) {
    const dir = i === 1 ? base : `${base}-${i}`;
    try {
      mkdirSync(dir);
      mkdirSync(join(dir, 'logs'));
      return dir;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || i > 100) throw error;
    }
  }
}

/** Creates a folder and its parents. `mkdirSync` with `recursive` is not used, because it never ends below /proc. */
function makeFolder(folder: string): void {
  const missing: string[] = [];
  let there = folder;
  let found = stats(there);
  for (; found === null; found = stats(there)) {
    missing.unshift(there);
    there = dirname(there);
  }
  if (!isFolder(there)) throw new OperatingError(notFolder(there, found));
  for (const each of missing) {
    try {
      mkdirSync(each);
    } catch (error) {
      // Another run may have created it in the meantime.
      if (isFolder(each)) continue;
      // Its parent exists. File systems such as /proc give this error if no folder can be created there.
      const nowhere = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const why = nowhere ? 'no folders can be created there' : reasonOf(error);
      throw new OperatingError(`${printableLine(each)} cannot be created: ${why}`, { cause: error });
    }
  }
}

function notFolder(path: string, found: Stats): string {
  const shown = printableLine(path);
  if (!found.isSymbolicLink()) return `${shown} is not a folder`;
  return `${shown} is a link to ${printableLine(readlinkSync(path))}, which is not a folder`;
}

/** Returns what exists at a path, without following a link; null if nothing exists. */
function stats(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** Creates a folder with a file in it, as a run does, and removes both. */
function tryToWrite(folder: string): void {
  const probe = mkdtempSync(join(folder, '.chaos-probe-'.padEnd(LONGEST_RUN_NAME - 6, 'x')));
  try {
    writeFileSync(join(probe, 'x'.repeat(LONGEST_FILE_NAME)), Buffer.alloc(PROBE_BYTES));
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

const MOST_SHOWN = 120;
const shortened = (text: string): string =>
  text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}…`;
