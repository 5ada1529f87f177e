import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ByteWriter } from '../kv/bytes.ts';
import { logIndex, nodeId, term } from '../raft/types.ts';
import type { Entry } from '../raft/types.ts';
import { StorageError } from '../replica/ports.ts';
import type { LogWrite, Recovered, Storage } from '../replica/ports.ts';
import { memoryDisk, MemoryStorage } from './memory.ts';
import { replay } from './replay.ts';
import { encodeHeader, HEADER_BYTES, parseSegment, writeRecord } from './segment.ts';
import { Wal } from './wal.ts';
import type { WalOptions } from './wal.ts';

/** Crashes are made by cutting files, so a memory file system does, and makes thousands of syncs cheap. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
let root: string;
let folders = 0;
beforeAll(async () => {
  root = await fs.mkdtemp(join(scratch, 'chaos-wal-'));
});
afterAll(() => fs.rm(root, { recursive: true }));
const newFolder = (): string => join(root, String(folders++));

const entry = (index: number, inTerm: number, text = `${index}@${inTerm}`): Entry => ({
  index: logIndex(index),
  term: term(inTerm),
  kind: text === '' ? 'noop' : 'command',
  data: Buffer.from(text),
});
const step = (hardState: [number, string | null] | null, ...entries: Entry[]): LogWrite => ({
  hardState: hardState && {
    term: term(hardState[0]),
    votedFor: hardState[1] === null ? null : nodeId(hardState[1]),
  },
  entries,
});

/** As text, so that a Buffer's and a view's bytes compare equal. */
const shown = ({ hardState, entries }: Pick<Recovered, 'hardState' | 'entries'>): string =>
  JSON.stringify([
    hardState.term,
    hardState.votedFor,
    entries.map((e) => [e.index, e.term, e.kind, Buffer.from(e.data).toString('hex')]),
  ]);

const replayed = (steps: readonly LogWrite[]): string => {
  const log = { hardState: { term: term(0), votedFor: null }, entries: [] as Entry[] };
  expect(replay(log, steps)).toBeNull();
  return shown(log);
};

async function recovered(storage: Storage): Promise<string> {
  try {
    return shown(await storage.recover());
  } finally {
    await storage.close();
  }
}

/** Batches that a node could write: terms rise, entries follow or replace what is there. */
const plannedStep = fc.record({
  term: fc.nat({ max: 2 }),
  vote: fc.boolean(),
  back: fc.nat({ max: 2 }),
  sizes: fc.array(fc.nat({ max: 60 }), { maxLength: 3 }),
});
const batches: fc.Arbitrary<LogWrite[][]> = fc
  .array(fc.array(plannedStep, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 })
  .map((plan) => {
    let now = 1;
    let first = true;
    const terms: number[] = [];
    return plan.map((batch) =>
      batch.map(({ term: risen, vote, back, sizes }) => {
        now += risen;
        if (sizes.length > 0) terms.length = Math.max(0, terms.length - back);
        const entries = sizes.map((size) => {
          terms.push(now);
          return entry(terms.length, now, 'x'.repeat(size));
        });
        const changed = risen > 0 || vote || first;
        first = false;
        return step(changed ? [now, vote ? 'n2' : null] : null, ...entries);
      }),
    );
  });

/** Each gives the folder (or disk) anew to every life of a node. */
const onFolder = (options: Omit<WalOptions, 'folder'>) => (): (() => Storage) => {
  const folder = newFolder();
  return () => new Wal({ folder, ...options });
};
const inMemory = (): (() => Storage) => {
  const disk = memoryDisk();
  return () => new MemoryStorage(disk);
};

describe.each([
  ['the write-ahead log', onFolder({ aheadBytes: 512 })],
  ['the write-ahead log in tiny segments', onFolder({ segmentBytes: 100, aheadBytes: 64 })],
  ['its twin in memory', inMemory],
] as const)('%s', (_name, newDisk) => {
  test('begins empty, in term 0', async () => {
    const storage = newDisk()();
    expect(await storage.recover()).toEqual({
      hardState: { term: 0, votedFor: null },
      entries: [],
      tornBytes: 0,
    });
    await storage.close();
  });

  test('gives back what was written, over any number of lives', async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (list) => {
        const disk = newDisk();
        for (const [at, batch] of list.entries()) {
          const storage = disk();
          expect(shown(await storage.recover())).toBe(replayed(list.slice(0, at).flat()));
          await storage.write(batch);
          await storage.close();
        }
        expect(await recovered(disk())).toBe(replayed(list.flat()));
      }),
      { numRuns: 40 },
    );
  });

  test("is one node's at a time, and free again when that one closes", async () => {
    const disk = newDisk();
    const first = disk();
    await first.recover();
    await expect(disk().recover()).rejects.toThrow(/in use/);
    await expect(disk().recover()).rejects.toBeInstanceOf(StorageError);
    await first.close();
    expect(await recovered(disk())).toBe(replayed([]));
  });

  test('takes no write once it is closed', async () => {
    const storage = newDisk()();
    await storage.recover();
    await storage.close();
    await storage.close();
    await expect(storage.write([step([1, null])])).rejects.toBeInstanceOf(StorageError);
  });
});

/** Writes the batches, and says where the file's records end after each. */
async function writeAll(options: WalOptions, list: readonly LogWrite[][]): Promise<number[]> {
  const wal = new Wal(options);
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
  test('loses nothing that was synced: cut at any byte, the whole records before it come back', () => {
    fc.assert(
      fc.property(batches, fc.constantFrom('cut', 'zeros', 'noise'), (list, left) => {
        const out = new ByteWriter();
        out.raw(encodeHeader({ number: 1, salt: 77 }));
        const ends = list.map((batch, number) => {
          writeRecord(out, 77, number, batch);
          return out.length;
        });
        const whole = out.take();
        for (let cut = HEADER_BYTES; cut <= whole.length; cut++) {
          const rest = Buffer.alloc(
            left === 'cut' ? 0 : whole.length - cut + 50,
            left === 'noise' ? 0xa5 : 0,
          );
          const file = Buffer.concat([whole.subarray(0, cut), rest]);
          // A record whose cut end was zeros, and is zeros again, is whole.
          const kept = ends.filter((end) => whole.subarray(0, end).equals(file.subarray(0, end))).length;
          const parsed = parseSegment(file);
          expect(parsed.goodRecordBehind).toBe(false);
          expect(parsed.end).toBe(kept === 0 ? HEADER_BYTES : ends[kept - 1]);
          expect(replayed(parsed.steps)).toBe(replayed(list.slice(0, kept).flat()));
        }
      }),
      { numRuns: 20 },
    );
  });

  test('is repaired: what the next life writes behind it comes back, too', async () => {
    const folder = newFolder();
    const list = [[step([1, 'n1'], entry(1, 1))], [step(null, entry(2, 1))]];
    const ends = await writeAll({ folder, aheadBytes: 0 }, list);
    const whole = await fs.readFile(segmentPath(folder));
    const next = step([100, 'n3']);
    for (let cut = 0; cut <= whole.length; cut += 3) {
      await fs.writeFile(segmentPath(folder), whole.subarray(0, cut));
      const kept = list.slice(0, ends.filter((end) => end <= cut).length).flat();
      const wal = new Wal({ folder, aheadBytes: 0 });
      expect(shown(await wal.recover())).toBe(replayed(kept));
      await wal.write([next]);
      await wal.close();
      expect(await recovered(new Wal({ folder }))).toBe(replayed([...kept, next]));
    }
  });

  test('is reported as the number of torn bytes', async () => {
    const folder = newFolder();
    const ends = await writeAll({ folder, aheadBytes: 0 }, [
      [step([1, 'n1'], entry(1, 1))],
      [step(null, entry(2, 1))],
    ]);
    await fs.truncate(segmentPath(folder), ends[1]! - 1);
    const wal = new Wal({ folder });
    expect((await wal.recover()).tornBytes).toBe(ends[1]! - 1 - ends[0]!);
    await wal.close();
    const again = new Wal({ folder });
    expect((await again.recover()).tornBytes).toBe(0);
    await again.close();
  });

  test('while a segment is being made leaves the ones before it whole', async () => {
    const folder = newFolder();
    await writeAll({ folder, segmentBytes: 60, aheadBytes: 0 }, [
      [step([1, 'n1'], entry(1, 1))],
      [step(null, entry(2, 1))],
    ]);
    for (const made of [Buffer.alloc(0), Buffer.alloc(10), Buffer.alloc(HEADER_BYTES)]) {
      await fs.writeFile(segmentPath(folder, 3), made);
      expect(await recovered(new Wal({ folder }))).toBe(
        replayed([step([1, 'n1'], entry(1, 1), entry(2, 1))]),
      );
    }
  });
});

describe('damage that is no interrupted write', () => {
  const list = [[step([1, 'n1'], entry(1, 1))], [step(null, entry(2, 1))], [step([2, null], entry(3, 2))]];

  test('is refused with file and offset, for a flipped bit in any byte of any record but the last', async () => {
    const folder = newFolder();
    const ends = await writeAll({ folder, aheadBytes: 0 }, list);
    const whole = await fs.readFile(segmentPath(folder));
    for (let at = HEADER_BYTES; at < ends[1]!; at++) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 1 << (at % 8);
      await fs.writeFile(segmentPath(folder), damaged);
      const start = at < ends[0]! ? HEADER_BYTES : ends[0]!;
      await expect(new Wal({ folder }).recover()).rejects.toThrow(
        `${segmentPath(folder)}, offset ${start}: `,
      );
    }
  });

  test("is refused for a header that is none, is another segment's, or of another format", async () => {
    const folder = newFolder();
    await writeAll({ folder, segmentBytes: 60, aheadBytes: 0 }, list);
    const [first, second] = [
      await fs.readFile(segmentPath(folder)),
      await fs.readFile(segmentPath(folder, 2)),
    ];
    await fs.writeFile(segmentPath(folder), Buffer.concat([Buffer.from('not a log'), first]));
    await expect(new Wal({ folder }).recover()).rejects.toThrow(/no CHAOSWAL/);
    await fs.writeFile(segmentPath(folder), second);
    await expect(new Wal({ folder }).recover()).rejects.toThrow(/header says segment 2/);
    await fs.writeFile(segmentPath(folder), first.subarray(0, first.length - 1));
    await expect(new Wal({ folder }).recover()).rejects.toThrow(/cut off/);
  });

  test('is refused for a segment that is missing', async () => {
    const folder = newFolder();
    await writeAll({ folder, segmentBytes: 60, aheadBytes: 0 }, list);
    await fs.rm(segmentPath(folder, 2));
    await expect(new Wal({ folder }).recover()).rejects.toThrow(
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
    await expect(new Wal({ folder }).recover()).rejects.toThrow(message);
    await expect(new Wal({ folder }).recover()).rejects.toBeInstanceOf(StorageError);
  });

  test('leaves the folder free, so that it can be mended', async () => {
    const folder = newFolder();
    await writeAll({ folder, aheadBytes: 0 }, list);
    const whole = await fs.readFile(segmentPath(folder));
    await fs.writeFile(segmentPath(folder), 'x'.repeat(100));
    await expect(new Wal({ folder }).recover()).rejects.toBeInstanceOf(StorageError);
    await fs.writeFile(segmentPath(folder), whole);
    expect(await recovered(new Wal({ folder }))).toBe(replayed(list.flat()));
  });
});

describe('a folder that cannot be used', () => {
  test("is named, with the system's reason", async () => {
    const file = join(root, 'a-file');
    await fs.writeFile(file, '');
    await expect(new Wal({ folder: join(file, 'data') }).recover()).rejects.toThrow(
      /a-file.*cannot be opened: ENOTDIR/,
    );
  });
});

describe("the folder's lock", () => {
  test('that a killed node left is stale: the next one takes the folder', async () => {
    const folder = newFolder();
    await fs.mkdir(folder);
    const program = `
      const { FolderLock } = await import(${JSON.stringify(new URL('lock.ts', import.meta.url).href)});
      await FolderLock.take(${JSON.stringify(folder)});
      console.log('taken');
      setInterval(() => {}, 1000);
    `;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(owner.stdout, 'data');
      await expect(new Wal({ folder }).recover()).rejects.toThrow(`in use by the node with pid ${owner.pid}`);
    } finally {
      owner.kill('SIGKILL');
      await once(owner, 'exit');
    }
    expect(await recovered(new Wal({ folder }))).toBe(replayed([]));
  });

  test('of a dead process whose pid another one has now is stale, and so is one that a crash tore', async () => {
    const folder = newFolder();
    await fs.mkdir(folder);
    for (const left of [
      JSON.stringify({ pid: process.pid, began: 'another boot/1', token: 'x' }),
      '',
      '{"pid":',
    ]) {
      await fs.writeFile(join(folder, 'lock'), left);
      expect(await recovered(new Wal({ folder }))).toBe(replayed([]));
    }
  });

  test('goes to one of many nodes that find it stale at once', async () => {
    const folder = newFolder();
    await fs.mkdir(folder);
    await fs.writeFile(join(folder, 'lock'), '');
    const wals = Array.from({ length: 8 }, () => new Wal({ folder }));
    const results = await Promise.allSettled(wals.map((wal) => wal.recover()));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await Promise.all(wals.map((wal) => wal.close()));
  });
});
