import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { play } from './testing/transcript.ts';

/** `RAFT_REWRITE=1 vitest run node/raft/transcripts` writes down what happens now: read the diff before it is kept. */
const rewrite = process.env['RAFT_REWRITE'] === '1';
const folder = new URL('testdata/', import.meta.url);

test.each(readdirSync(folder).filter((name) => name.endsWith('.txt')))('%s is what happens', (name) => {
  const file = new URL(name, folder);
  const written = readFileSync(file, 'utf8');
  const played = play(written);
  if (rewrite) writeFileSync(file, played);
  expect(played).toBe(rewrite ? played : written);
});
