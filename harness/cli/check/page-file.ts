import { randomBytes } from 'node:crypto';
import { fstatSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { printableLine } from '../../printable.ts';
import { operatingSentence, reasonOf } from '../operating-error.ts';

/** File descriptor of standard input. */
const STDIN = 0;

/**
 * Writes a page to `path`, whole or not at all. `history`: the file that was judged, or null for standard input; it is
 * never overwritten, whatever other name or link leads to it. Returns why the page was not written, in one sentence;
 * null: it was.
 */
export function writePage(path: string, history: string | null, page: () => string): string | null {
  const refuse = (why: string): string =>
    `--html ${JSON.stringify(printableLine(path))}: not written: ${why}`;
  try {
    if (path === '') return refuse('the path is empty; name a file');
    const there = statSync(path, { throwIfNoEntry: false });
    if (there !== undefined && isSame(there, history === null ? fstatSync(STDIN) : statSync(history)))
      return refuse('it is the history that was checked; choose another file');
    // A device or a pipe is written directly: renaming a file to its path would replace it.
    if (there !== undefined && !there.isFile()) writeFileSync(path, page());
    else writeWhole(there === undefined ? path : realpathSync(path), page());
    return null;
  } catch (error) {
    if (operatingSentence(error) === null) throw error;
    return refuse(reasonOf(error));
  }
}

const isSame = (a: Stats, b: Stats): boolean => a.isFile() && a.dev === b.dev && a.ino === b.ino;

/** Writes a file next to `path` and renames it. */
function writeWhole(path: string, text: string): void {
  const draft = join(dirname(path), `.chaos-${randomBytes(4).toString('hex')}.draft`);
  try {
    writeFileSync(draft, text, { flag: 'wx' });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
