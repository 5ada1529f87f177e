import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { behind, NODE_FILES } from './files.ts';

const pieces = fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 6 });

test('after an incomplete write, the rest is the bytes that were not written', () => {
  fc.assert(
    fc.property(pieces, fc.nat({ max: 30 }), (all, written) => {
      expect(Buffer.concat(behind(all, written))).toEqual(Buffer.concat(all).subarray(written));
    }),
  );
});

test('any number of pieces are written one after the other', async () => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'chaos-files-'));
  try {
    const path = join(folder, 'file');
    const file = await NODE_FILES.open(path, { fresh: true, durable: true });
    // More pieces than the system accepts in one call.
    const all = Array.from({ length: 3_000 }, (_, i) => Buffer.from(`${i};`));
    await file.write(all, 7);
    await file.close();
    expect(await fs.readFile(path)).toEqual(Buffer.concat([Buffer.alloc(7), ...all]));
  } finally {
    await fs.rm(folder, { recursive: true });
  }
});
