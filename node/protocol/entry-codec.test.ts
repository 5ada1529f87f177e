import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../kv/bytes.ts';
import { logIndex, term } from '../raft/types.ts';
import type { Entry } from '../raft/types.ts';
import { ENTRY_OVERHEAD_BYTES, EntrySlab, KIND_CODE, readEntries, writeEntries } from './entry-codec.ts';

const written = (entries: readonly Entry[]): Buffer => {
  const out = new ByteWriter(64);
  writeEntries(out, entries);
  return out.take();
};

/** Encodes entries one by one as `docs/protocol.md` describes. */
function naive(entries: readonly Entry[]): Buffer {
  const parts = entries.map(({ index, term, kind, data }) => {
    const header = Buffer.alloc(ENTRY_OVERHEAD_BYTES);
    header.writeBigUInt64BE(BigInt(index), 0);
    header.writeBigUInt64BE(BigInt(term), 8);
    header[16] = KIND_CODE[kind];
    header.writeUInt32BE(data.length, 17);
    return Buffer.concat([header, data]);
  });
  const count = Buffer.alloc(4);
  count.writeUInt32BE(entries.length);
  return Buffer.concat([count, ...parts]);
}

const lists = fc
  .record({
    first: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 100 }),
    term: fc.maxSafeNat(),
    items: fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }),
  })
  .map(({ first, term: at, items }) =>
    items.map((data, i): Entry => ({
      index: logIndex(first + i),
      term: term(at),
      kind: 'command',
      data,
    })),
  );

/**
 * Returns the same entries with their data in a slab. Entries for which `seal` is true have their headers there, too.
 */
function inSlab(entries: readonly Entry[], seal: (i: number) => boolean): Entry[] {
  const slab = new EntrySlab();
  const kept = entries.map((entry) => ({ ...entry, data: slab.keep(entry.data) }));
  kept.forEach((entry, i) => {
    if (seal(i)) slab.seal(entry);
  });
  return kept;
}

const command = (index: number, bytes: number): Entry => ({
  index: logIndex(index),
  term: term(1),
  kind: 'command',
  data: Buffer.alloc(bytes, index),
});

describe('entries', () => {
  test('entries have the same encoding if their data was read from a message, is in a slab, or neither', () => {
    fc.assert(
      fc.property(lists, fc.func(fc.boolean()), (entries, sealed) => {
        const expected = naive(entries);
        expect(written(entries)).toEqual(expected);
        expect(written(inSlab(entries, sealed))).toEqual(expected);
        const read = readEntries(new ByteReader(expected));
        expect(written(read)).toEqual(expected);
        expect(written(read.slice(1, 4))).toEqual(naive(entries.slice(1, 4)));
      }),
    );
  });

  test('entries whose place in the log differs from the one stored before their data are encoded again', () => {
    fc.assert(
      fc.property(lists, fc.nat({ max: 20 }), (entries, moved) => {
        const elsewhere = inSlab(entries, () => true).map((entry, i): Entry =>
          i === moved ? { ...entry, term: term(entry.term === 0 ? 1 : 0) } : entry,
        );
        expect(written(elsewhere)).toEqual(naive(elsewhere));
      }),
    );
  });

  test('entries continue in the next slab when one is full', () => {
    const entries = Array.from({ length: 40 }, (_, i) => command(i + 1, 20_000));
    expect(written(inSlab(entries, () => true))).toEqual(naive(entries));
  });

  test('entries that are next to each other in memory in a long run are passed on without a copy', () => {
    const small = inSlab([command(1, 30), command(2, 40)], () => true);
    const long = inSlab([command(3, 5_000), command(4, 6_000)], () => true);
    const out = new ByteWriter();
    const pieces: Buffer[] = [];
    const all = [...small, ...long, command(5, 9_000)];
    writeEntries(out, all, (run) => pieces.push(out.take(), run));
    pieces.push(out.take());
    expect(Buffer.concat(pieces)).toEqual(naive(all));
    expect(pieces.filter(({ buffer }) => buffer === long[0]!.data.buffer)).toHaveLength(1);
  });
});
