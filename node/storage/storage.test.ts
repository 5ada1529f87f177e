import { existsSync, promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logIndex } from '../raft/types.ts';
import { SnapshotDamage, StorageError } from '../replica/ports.ts';
import type { Identity, Storage } from '../replica/ports.ts';
import { memoryDisk, MemoryStorage } from './memory.ts';
import {
  batches,
  blocksAt,
  entry,
  header,
  IDENTITY,
  loaded,
  recovered,
  replayed,
  shown,
  step,
} from './testing/steps.ts';
import { Wal } from './wal.ts';
import type { WalOptions } from './wal.ts';

/** A file system in memory makes thousands of syncs cheap. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
let root: string;
let folders = 0;
beforeAll(async () => {
  root = await fs.mkdtemp(join(scratch, 'chaos-wal-'));
});
afterAll(() => fs.rm(root, { recursive: true }));
const newFolder = (): string => join(root, String(folders++));

/** Each function opens the same folder (or disk) at every start of a node. */
const onFolder = (options: Pick<WalOptions, 'segmentBytes' | 'aheadBytes'>) => (): (() => Storage) => {
  const folder = newFolder();
  return () => new Wal({ folder, identity: IDENTITY, ...options });
};
const inMemory = (): (() => Storage) => {
  const disk = memoryDisk();
  return () => new MemoryStorage(disk, IDENTITY);
};

describe.each([
  ['the write-ahead log', onFolder({ aheadBytes: 512 })],
  ['the write-ahead log in tiny segments', onFolder({ segmentBytes: 100, aheadBytes: 64 })],
  ['the storage in memory', inMemory],
] as const)('%s', (name, newDisk) => {
  test('begins empty, in term 0', async () => {
    const storage = newDisk()();
    expect(await storage.recover()).toEqual({
      identity: IDENTITY,
      hardState: { term: 0, votedFor: null },
      snapshot: null,
      entries: [],
      tornBytes: 0,
    });
    await storage.close();
  });

  test('reads back all writes after any number of restarts', async () => {
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

  test('a folder belongs to one node at a time, and is free again when that node closes', async () => {
    const disk = newDisk();
    const first = disk();
    await first.recover();
    await expect(disk().recover()).rejects.toThrow(/in use/);
    await expect(disk().recover()).rejects.toBeInstanceOf(StorageError);
    await first.close();
    expect(await recovered(disk())).toBe(replayed([]));
  });

  test('accepts no write after it is closed', async () => {
    const storage = newDisk()();
    await storage.recover();
    await storage.close();
    await storage.close();
    await expect(storage.write([step([1, null])])).rejects.toBeInstanceOf(StorageError);
  });

  test('keeps the identity from its creation, even if a later start gives another one', async () => {
    const folder = newFolder();
    const disk = memoryDisk();
    const onDisk = name.startsWith('its twin')
      ? (identity: Identity) => new MemoryStorage(disk, identity)
      : (identity: Identity) => new Wal({ folder, identity });
    await recovered(onDisk({ ...IDENTITY, incarnation: 77 }));
    const again = onDisk({ ...IDENTITY, incarnation: 78 });
    expect((await again.recover()).identity).toEqual({ ...IDENTITY, incarnation: 77 });
    await again.close();
  });

  describe('a snapshot', () => {
    const log = [step([1, 'n1'], entry(1, 1), entry(2, 1), entry(3, 1), entry(4, 1))];

    test('is read back with its state and the log after it', async () => {
      const disk = newDisk();
      const first = disk();
      await first.recover();
      await first.write(log);
      const saved = await first.snapshots.save(header(3, 1), blocksAt(3));
      first.compact(logIndex(3));
      await first.write([step(null, entry(5, 1))]);
      await first.close();

      const second = disk();
      const found = await second.recover();
      expect(found.snapshot).toEqual(header(3, 1));
      expect(found.entries.map(({ index }) => index)).toEqual([4, 5]);
      expect(await loaded(second)).toEqual({ stored: saved, state: Buffer.concat(blocksAt(3)).toString() });
      await second.close();
    });

    test('has the same bytes and the same digest of its state on every node', async () => {
      const made = await Promise.all(
        [newDisk(), newDisk()].map(async (disk) => {
          const storage = disk();
          await storage.recover();
          await storage.write(log);
          const saved = await storage.snapshots.save(header(3, 1), blocksAt(3));
          const source = await storage.snapshots.open();
          const bytes = await source!.read(0, saved.bytes);
          await source!.close();
          await storage.close();
          return { saved, bytes: Buffer.from(bytes).toString('hex') };
        }),
      );
      expect(made[0]).toEqual(made[1]);
    });

    test('a snapshot that is sent in pieces of any size arrives unchanged', async () => {
      const from = newDisk()();
      await from.recover();
      await from.write(log);
      const saved = await from.snapshots.save(header(3, 1), blocksAt(3));
      const source = (await from.snapshots.open())!;
      for (const size of [1, 7, 64, 1_000]) {
        const disk = newDisk();
        const to = disk();
        await to.recover();
        const sink = await to.snapshots.receive();
        const blocks: Uint8Array[] = [];
        for (let at = 0; at < saved.bytes; at += size)
          blocks.push(...(await sink.write(await source.read(at, size))));
        expect(Buffer.concat(blocks)).toEqual(Buffer.concat(blocksAt(3)));
        expect(await sink.finish()).toEqual(saved);
        await to.close();

        const again = disk();
        expect((await again.recover()).snapshot).toEqual(header(3, 1));
        expect((await loaded(again)).stored).toEqual(saved);
        await again.close();
      }
      await source.close();
      await from.close();
    });

    test('a snapshot that is cut off, or damaged at any byte, is refused by its receiver and leaves no file', async () => {
      const from = newDisk()();
      await from.recover();
      const saved = await from.snapshots.save(header(3, 1), blocksAt(3));
      const source = (await from.snapshots.open())!;
      const bytes = Buffer.from(await source.read(0, saved.bytes));
      const arrives = async (damaged: Buffer): Promise<void> => {
        const disk = newDisk();
        const to = disk();
        await to.recover();
        const sink = await to.snapshots.receive();
        await expect(sink.write(damaged).then(() => sink.finish())).rejects.toBeInstanceOf(SnapshotDamage);
        await sink.abort();
        expect(await to.snapshots.open()).toBeNull();
        await to.close();
        const again = disk();
        expect((await again.recover()).snapshot).toBeNull();
        await again.close();
      };
      for (let at = 0; at < bytes.length; at += 5) {
        const damaged = Buffer.from(bytes);
        damaged[at]! ^= 1 << (at % 8);
        await arrives(damaged);
        await arrives(bytes.subarray(0, at));
      }
      await arrives(Buffer.concat([bytes, Buffer.of(0)]));
      await source.close();
      await from.close();
    });

    test('a received snapshot replaces the log, unless the log has its last entry', async () => {
      for (const [term, kept] of [
        [1, [4]],
        [2, []],
      ] as const) {
        const disk = newDisk();
        const first = disk();
        await first.recover();
        await first.write(log);
        await first.snapshots.save(header(3, term), blocksAt(3));
        // The node ends before its log learns of the snapshot.
        await first.close();
        const second = disk();
        const found = await second.recover();
        expect(found.entries.map(({ index }) => index)).toEqual(kept);
        expect(found.hardState).toEqual(term === 1 ? log[0]!.hardState : { term: 2, votedFor: null });
        await second.write([step([3, null], entry(kept.length + 4, 3))]);
        await second.close();
        const third = disk();
        expect((await third.recover()).entries.map(({ index }) => index)).toEqual([...kept, kept.length + 4]);
        await third.close();
      }
    });

    test('replaces the log in the order of the steps', async () => {
      const disk = newDisk();
      const first = disk();
      await first.recover();
      await first.write(log);
      await first.snapshots.save(header(9, 2), blocksAt(9));
      await first.write([
        { ...step([2, null]), snapshot: header(9, 2) },
        step(null, entry(10, 2)),
        step(null, entry(11, 2)),
      ]);
      await first.close();
      const second = disk();
      const found = await second.recover();
      expect(found.snapshot?.index).toBe(9);
      expect(found.entries.map(({ index }) => index)).toEqual([10, 11]);
      await second.close();
    });

    test('is replaced by a newer one, but not by an older one that is complete later', async () => {
      const disk = newDisk();
      const storage = disk();
      await storage.recover();
      await storage.write(log);
      await storage.snapshots.save(header(2, 1), blocksAt(2));
      const old = (await storage.snapshots.open())!;
      await storage.snapshots.save(header(4, 1), blocksAt(4));
      await storage.snapshots.save(header(3, 1), blocksAt(3));
      const newest = (await storage.snapshots.open())!;
      expect([old.snapshot.index, newest.snapshot.index]).toEqual([2, 4]);
      // A transfer under way can be completed.
      expect(await old.read(0, 1 << 20)).toHaveLength(old.snapshot.bytes);
      await old.close();
      await newest.close();
      await storage.close();
      const again = disk();
      expect((await again.recover()).snapshot?.index).toBe(4);
      expect((await loaded(again)).state).toBe(Buffer.concat(blocksAt(4)).toString());
      await again.close();
    });
  });
});
