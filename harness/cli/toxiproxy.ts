import { cleanStale } from '../links/clean.ts';
import { installToxiproxy } from '../links/install.ts';
import { findToxiproxy } from '../links/server.ts';
import { printableLine } from '../printable.ts';
import { EXIT } from '../result.ts';
import { CACHE_DIR } from './run-once.ts';
import { complain } from './print.ts';

/** `chaos toxiproxy install`. */
export async function install(): Promise<number> {
  try {
    const path = await installToxiproxy({ cacheDir: CACHE_DIR, onProgress: (text) => complain(text) });
    console.log(path);
    return EXIT.pass;
  } catch (error) {
    complain(`chaos toxiproxy install: ${(error as Error).message}`);
    return EXIT.environment;
  }
}

/** `chaos toxiproxy path`: prints the real server that a run would start. */
export async function path(): Promise<number> {
  const found = findToxiproxy(CACHE_DIR);
  if (found !== null) {
    console.log(found);
    return EXIT.pass;
  }
  complain(
    'no toxiproxy-server on PATH or in the cache: runs use the built-in one; `chaos toxiproxy install` builds it',
  );
  return EXIT.environment;
}

/** `chaos clean`. */
export async function clean(): Promise<number> {
  const { done, failed } = await cleanStale(CACHE_DIR);
  for (const line of done) console.log(printableLine(line));
  for (const line of failed) console.error(`chaos clean: ${printableLine(line)}`);
  if (done.length + failed.length === 0) console.log('nothing was left behind');
  return failed.length === 0 ? EXIT.pass : EXIT.environment;
}
