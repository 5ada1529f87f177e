// Makes `npx chaos` work in a checkout: npm links the bins of dependencies only, and a `bin` field in the root
// package makes npx install the checkout into its own cache first (seconds, network). A link in node_modules/.bin
// is found at once and brings the pinned Node.js first on PATH.
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const bin = join(here, '..', '..', 'node_modules', '.bin');
if (existsSync(dirname(bin))) {
  mkdirSync(bin, { recursive: true });
  const link = join(bin, 'chaos');
  rmSync(link, { force: true });
  symlinkSync(relative(bin, join(here, 'chaos.mjs')), link);
  chmodSync(join(here, 'chaos.mjs'), 0o755);
}
