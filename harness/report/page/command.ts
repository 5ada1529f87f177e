import type { RunResult } from '../../result.ts';

/** The command that repeats the run, to copy into a shell. Arguments that a shell would split are quoted. */
export function commandText({ environment, seed }: RunResult): string {
  const words = [...environment.command];
  if (!words.some((word) => word === '--seed' || word.startsWith('--seed=')))
    words.push('--seed', String(seed));
  return words.map(quoted).join(' ');
}

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
