import { existsSync, promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../kv/bytes.ts';
import { readEntries, writeEntries } from '../protocol/entry-codec.ts';
import { logIndex } from '../raft/types.ts';
import { StorageError } from '../replica/ports.ts';
import type { LogWrite } from '../replica/ports.ts';
import { encodeHeader, HEADER_BYTES, parseSegment } from './segment.ts';
import {
  batches,
  blocksAt,
  entry,
  header,
  IDENTITY,
  recordBytes,
  recovered,
  replayed,
  shown,
  step,
} from './testing/steps.ts';
import { Wal } from './wal.ts';
import type { WalOptions } from './wal.ts';

/** A file system in memory is enough, because crashes are made by cutting files. It makes thousands of syncs cheap. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
let root: string;
let folders = 0;
beforeAll(async () => {
  root = await fs.mkdtemp(join(scratch, 'chaos-wal-'));
});
afterAll(() => fs.rm(root, { recursive: true }));
const newFolder = (): string => join(root, String(folders++));

/** Writes the batches, and returns the end of the file's records after each. */
async function writeAll(
  options: Omit<WalOptions, 'identity'>,
  list: readonly LogWrite[][],
): Promise<number[]> {
  const wal = new Wal({ ...options, identity: IDENTITY });
  await wal.recover();
  const ends: number[] = [];
  for (const batch of list) {
    await wal.write(batch);
    ends.push((await fs.stat(segmentPath(options.folder))).size);
  }
  await wal.close();
  return ends;
}
const segmentPath = (folder: string, number = 1): string =>
  join(folder, `wal-${String(number).padStart(10, '0')}.log`);

describe('a crash during a write', () => {
  test('loses nothing that was synced: for a cut at any byte, all complete records before it are read back', () => {
    fc.assert(
      fc.property(batches, fc.constantFrom('cut', 'zeros', 'noise'), (list, left) => {
        const out = new ByteWriter();
        out.raw(encodeHeader({ number: 1, salt: 77, recycled: false }));
        const ends = list.map((batch, number) => {
          out.raw(recordBytes({ salt: 77, number, follows: 0 }, batch));
          return out.length;
        });
        const whole = out.take();
        for (let cut = HEADER_BYTES; cut <= whole.length; cut++) {
          const rest = Buffer.alloc(
            left === 'cut' ? 0 : whole.length - cut + 50,
            left === 'noise' ? 0xa5 : 0,
          );
          const file = Buffer.concat([whole.subarray(0, cut), rest]);
          // A record is complete if its missing end consisted of zeros, because zeros follow.
          const kept = ends.filter((end) => whole.subarray(0, end).equals(file.subarray(0, end))).length;
          const parsed = parseSegment(file);
          expect(parsed.goodRecordAfter).toBe(false);
          expect(parsed.end).toBe(kept === 0 ? HEADER_BYTES : ends[kept - 1]);
          expect(replayed(parsed.steps)).toBe(replayed(list.slice(0, kept).flat()));
        }
      }),
      { numRuns: 20 },
    );
  });

  test('a torn tail is repaired, and what the next process writes after it is read back, too', async () => {
    const folder = newFolder();
    const list = [[step([1, 'n1'], entry(1, 1))], [step(null, entry(2, 1))]];
    const ends = await writeAll({ folder, aheadBytes: 0 }, list);
    const whole = await fs.readFile(segmentPath(folder));
    const next = step([100, 'n3']);
    for (let cut = 0; cut <= whole.length; cut += 3) {
      await fs.writeFile(segmentPath(folder), whole.subarray(0, cut));
      const kept = list.slice(0, ends.filter((end) => end <= cut).length).flat();
      const wal = new Wal({ folder, identity: IDENTITY, aheadBytes: 0 });
      expect(shown(await wal.recover())).toBe(replayed(kept));
      await wal.write([next]);
      await wal.close();
      expect(await recovered(new Wal({ folder, identity: IDENTITY }))).toBe(replayed([...kept, next]));
    }
  });

  test('is reported as the number of torn bytes', async () => {
    const folder = newFolder();
    const ends = await writeAll({ folder, aheadBytes: 0 }, [
      [step([1, 'n1'], entry(1, 1))],
      [step(null, entry(2, 1))],
    ]);
    await fs.truncate(segmentPath(folder), ends[1]! - 1);
    const wal = new Wal({ folder, identity: IDENTITY });
    expect((await wal.recover()).tornBytes).toBe(ends[1]! - 1 - ends[0]!);
    await wal.close();
    const again = new Wal({ folder, identity: IDENTITY });
    expect((await again.recover()).tornBytes).toBe(0);
    await again.close();
  });

  test('a crash while a segment is being made does not change the segments before it', async () => {
    const folder = newFolder();
    await writeAll({ folder, segmentBytes: 60, aheadBytes: 0 }, [
      [step([1, 'n1'], entry(1, 1))],
      [step(null, entry(2, 1))],
    ]);
    for (const made of [Buffer.alloc(0), Buffer.alloc(10), Buffer.alloc(HEADER_BYTES)]) {
      await fs.writeFile(segmentPath(folder, 3), made);
      expect(await recovered(new Wal({ folder, identity: IDENTITY }))).toBe(
        replayed([step([1, 'n1'], entry(1, 1), entry(2, 1))]),
      );
    }
  });
});

test('entries that are written without a copy are read back, also between others', async () => {
  const folder = newFolder();
  const list = [1, 2, 3].map((index) => entry(index, 1, `${index}`.repeat(9_000)));
  const frame = new ByteWriter();
  writeEntries(frame, list);
  const received = readEntries(new ByteReader(frame.take()));
  const batch = [
    step([1, 'n1'], ...received),
    step(null, entry(4, 1)),
    step([2, null], ...received.slice(2)),
  ];
  await writeAll({ folder }, [batch]);
  expect(await recovered(new Wal({ folder, identity: IDENTITY }))).toBe(replayed(batch));
});

test('a log grows by segments; a snapshot replaces the older ones, and the last of these is used again', async () => {
  const folder = newFolder();
  const wal = new Wal({ folder, identity: IDENTITY, segmentBytes: 60, aheadBytes: 0 });
  await wal.recover();
  for (let i = 1; i <= 5; i++) await wal.write([step(i === 1 ? [1, 'n1'] : null, entry(i, 1))]);
  const segments = async (): Promise<string[]> =>
    (await fs.readdir(folder)).filter((name) => /^wal-\d+\.log$/.test(name)).sort();
  expect(await segments()).toEqual([1, 2, 3, 4, 5].map((number) => basename(segmentPath(folder, number))));
  await wal.snapshots.save(header(3, 1), blocksAt(3));
  wal.compact(logIndex(3));
  await wal.write([step(null, entry(6, 1))]);
  await wal.close();
  expect(await segments()).toEqual([4, 5, 6].map((number) => basename(segmentPath(folder, number))));
  const again = new Wal({ folder, identity: IDENTITY, segmentBytes: 60, aheadBytes: 0 });
  expect((await again.recover()).entries.map(({ index }) => index)).toEqual([4, 5, 6]);
  await again.close();
});

test('a log that was divided at a snapshot drops all entries before it, whether the snapshot is written before or after the next entries', async () => {
  const folder = newFolder();
  const wal = new Wal({ folder, identity: IDENTITY });
  await wal.recover();
  const segments = async (): Promise<number[]> =>
    (await fs.readdir(folder)).flatMap((name) => /^wal-(\d+)\.log$/.exec(name)?.[1] ?? []).map(Number);
  await wal.write([step([1, 'n1'], entry(1, 1), entry(2, 1))]);
  wal.roll();
  await wal.snapshots.save(header(2, 1), blocksAt(2));
  wal.compact(logIndex(2));
  expect(await segments()).toEqual([1]);
  await wal.write([step(null, entry(3, 1))]);
  await expect.poll(segments).toEqual([2]);
  wal.roll();
  await wal.write([step(null, entry(4, 1))]);
  await wal.snapshots.save(header(3, 1), blocksAt(3));
  wal.compact(logIndex(3));
  await wal.close();
  expect(await segments()).toEqual([3]);
  const again = new Wal({ folder, identity: IDENTITY });
  const { hardState, entries } = await again.recover();
  expect(hardState).toEqual({ term: 1, votedFor: 'n1' });
  expect(entries.map(({ index }) => index)).toEqual([4]);
  await again.close();
});

describe('damage that is not an interrupted write', () => {
  const list = [[step([1, 'n1'], entry(1, 1))], [step(null, entry(2, 1))], [step([2, null], entry(3, 2))]];

  test('damage is refused with file and offset, for a flipped bit in any byte of any record except the last', async () => {
    const folder = newFolder();
    const ends = await writeAll({ folder, aheadBytes: 0 }, list);
    const whole = await fs.readFile(segmentPath(folder));
    for (let at = HEADER_BYTES; at < ends[1]!; at++) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 1 << (at % 8);
      await fs.writeFile(segmentPath(folder), damaged);
      const start = at < ends[0]! ? HEADER_BYTES : ends[0]!;
      await expect(new Wal({ folder, identity: IDENTITY }).recover()).rejects.toThrow(
        `${segmentPath(folder)}, offset ${start}: `,
      );
    }
  });

  test("is refused for a header that is not valid, is another segment's, or has another format", async () => {
    const folder = newFolder();
    await writeAll({ folder, segmentBytes: 60, aheadBytes: 0 }, list);
    const [first, second] = [
      await fs.readFile(segmentPath(folder)),
      await fs.readFile(segmentPath(folder, 2)),
    ];
    await fs.writeFile(segmentPath(folder), Buffer.concat([Buffer.from('not a log'), first]));
    await expect(new Wal({ folder, identity: IDENTITY }).recover()).rejects.toThrow(/no CHAOSWAL/);
    await fs.writeFile(segmentPath(folder), second);
    await expect(new Wal({ folder, identity: IDENTITY }).recover()).rejects.toThrow(
      /header is that of segment 2/,
    );
    await fs.writeFile(segmentPath(folder), first.subarray(0, first.length - 1));
    await expect(new Wal({ folder, identity: IDENTITY }).recover()).rejects.toThrow(/cut off/);
  });

  test('is refused for a segment that is missing', async () => {
    const folder = newFolder();
    await writeAll({ folder, segmentBytes: 60, aheadBytes: 0 }, list);
    await fs.rm(segmentPath(folder, 2));
    await expect(new Wal({ folder, identity: IDENTITY }).recover()).rejects.toThrow(
      /wal-0000000002.log, offset 0: the segment is missing/,
    );
  });

  test.each([
    ['a term that falls', [step([2, null]), step([1, null])], /term 1 after term 2/],
    ['a gap in the log', [step([1, null], entry(2, 1))], /entry 2 after entry 0/],
    [
      'terms in the log that fall',
      [step([2, null], entry(1, 2), entry(2, 1))],
      /entry 2 of term 1 after one of term 2/,
    ],
    ['an entry of a term that was never stored', [step([1, null], entry(1, 2))], /above the stored term 1/],
  ])('is refused for %s', async (_what, batch, message) => {
    const folder = newFolder();
    await writeAll({ folder, aheadBytes: 0 }, [batch]);
    await expect(new Wal({ folder, identity: IDENTITY }).recover()).rejects.toThrow(message);
    await expect(new Wal({ folder, identity: IDENTITY }).recover()).rejects.toBeInstanceOf(StorageError);
  });

  test('leaves the folder unlocked, so that it can be repaired', async () => {
    const folder = newFolder();
    await writeAll({ folder, aheadBytes: 0 }, list);
    const whole = await fs.readFile(segmentPath(folder));
    await fs.writeFile(segmentPath(folder), 'x'.repeat(100));
    await expect(new Wal({ folder, identity: IDENTITY }).recover()).rejects.toBeInstanceOf(StorageError);
    await fs.writeFile(segmentPath(folder), whole);
    expect(await recovered(new Wal({ folder, identity: IDENTITY }))).toBe(replayed(list.flat()));
  });
});

describe('a folder that cannot be used', () => {
  test("is named, with the system's reason", async () => {
    const file = join(root, 'a-file');
    await fs.writeFile(file, '');
    await expect(new Wal({ folder: join(file, 'data'), identity: IDENTITY }).recover()).rejects.toThrow(
      /a-file.*cannot be opened: ENOTDIR/,
    );
  });
});
