import { cleanStale } from '../links/journal.ts';
import { installToxiproxy } from '../links/install.ts';
import { findToxiproxy } from '../links/server.ts';
import { EXIT } from '../result.ts';
import { CACHE_DIR } from './run-once.ts';

/** `chaos toxiproxy install`. */
export async function install(): Promise<number> {
  try {
    const path = await installToxiproxy({ cacheDir: CACHE_DIR, onProgress: (text) => console.error(text) });
    console.log(path);
    return EXIT.pass;
  } catch (error) {
    console.error(`chaos toxiproxy install: ${(error as Error).message}`);
    return EXIT.environment;
  }
}
