import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Host } from '../ports/host.ts';
import { spawnNode } from './node-process.ts';

/** Port `Host` over this machine. */
export const localHost: Host = {
  start: spawnNode,
  makeFolder: (path) => void mkdirSync(path, { recursive: true }),
  removeFolder: (path) => rm(path, { recursive: true, force: true }),
};
