import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { play } from './testing/transcript.ts';

/**
 * `RAFT_REWRITE=1 vitest run node/raft/transcripts` writes the present results into the files: read the diff before you
 * keep it.
 */
const rewrite = process.env['RAFT_REWRITE'] === '1';
const folder = new URL('testdata/', import.meta.url);

/** Transcripts. Each begins with the claim that it shows, and the claim's source. */
const transcripts = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .map((name) => {
    const file = new URL(name, folder);
    const written = readFileSync(file, 'utf8');
    const claim = /^(?:#.*\n)+/
      .exec(written)?.[0]
      .replaceAll(/\n?^# ?/gm, ' ')
      .trim();
    return { name, file, written, claim: claim ?? 'no claim' };
  });

for (const { name, file, written, claim } of transcripts) {
  test(`transcript ${name}: ${claim}`, () => {
    const played = play(written);
    if (rewrite) writeFileSync(file, played);
    expect(played).toBe(rewrite ? played : written);
  });
}
