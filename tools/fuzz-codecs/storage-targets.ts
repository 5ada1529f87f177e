import { crc32 } from 'node:zlib';
import { ByteWriter, MalformedBytes } from '../../node/kv/bytes.ts';
import { KvStore } from '../../node/kv/store.ts';
import { encodeCommand } from '../../node/kv/command.ts';
import { logIndex, nodeId, term } from '../../node/raft/types.ts';
import type { SeededRandom } from '../../node/raft/testing/random.ts';
import { SnapshotDamage } from '../../node/replica/ports.ts';
import type { LogWrite } from '../../node/replica/ports.ts';
import { decodeIdentity, encodeIdentity } from '../../node/storage/identity.ts';
import { emptyLog, replay } from '../../node/storage/replay.ts';
import { encodeHeader, HEADER_BYTES, parseSegment, RECORD_HEADER_BYTES } from '../../node/storage/segment.ts';
import { SnapshotReader, snapshotBytes } from '../../node/storage/snapshot-format.ts';
import { recordBytes } from '../../node/storage/testing/steps.ts';
import { mutated } from './mutate.ts';
import * as sample from './samples.ts';
import { expectEqual, Finding } from './target.ts';
import type { Target } from './target.ts';

const SALT = 0x5eed_5a17;

/** Returns a segment of a few records, followed by zeros. */
function segmentFile(random: SeededRandom): Buffer {
  const out = new ByteWriter(4_096);
  out.raw(encodeHeader({ number: 1, salt: SALT, recycled: random.chance(0.3) }));
  for (let number = 0; number < random.int(0, 4); number++)
    out.raw(recordBytes({ salt: SALT, number, follows: random.int(0, 9) }, batch(random)));
  return Buffer.concat([out.take(), Buffer.alloc(random.pick([0, 7, 200]))]);
}

function batch(random: SeededRandom): LogWrite[] {
  return Array.from({ length: random.int(0, 3) }, () => ({
    hardState: random.chance(0.5)
      ? { term: term(random.int(0, 5)), votedFor: random.chance(0.5) ? sample.anyId(random) : null }
      : null,
    snapshot: random.chance(0.2) ? { index: logIndex(random.int(1, 9)), term: term(random.int(1, 5)) } : null,
    entries: sample.entries(random),
  }));
}

/** A segment file that a crash or a disk has changed. */
const segments: Target = {
  name: 'segments',
  refuses: [MalformedBytes],
  sample: segmentFile,
  run: (bytes) => {
    const { steps, end, strayBytes, follows } = parseSegment(bytes);
    if (end < HEADER_BYTES || end + strayBytes > bytes.length)
      throw new Finding(
        `the good records end at ${end}, and ${strayBytes} bytes follow, in a file of ${bytes.length} bytes`,
      );
    replay(emptyLog(follows ?? 0), steps);
  },
};

/** Records with a correct CRC around a payload that no node wrote, so that only the format itself can refuse them. */
const records: Target = {
  name: 'records',
  refuses: [MalformedBytes],
  sample: (random) =>
    recordBytes({ salt: SALT, number: 0, follows: random.int(0, 9) }, batch(random)).subarray(
      RECORD_HEADER_BYTES,
    ),
  run: (payload) => {
    const head = Buffer.alloc(RECORD_HEADER_BYTES);
    head.writeUInt32BE((0xc4a0_57a1 ^ SALT) >>> 0, 0);
    head.writeUInt32BE(payload.length, 4);
    head.writeUInt32BE(crc32(payload, crc32(head.subarray(4, 12), SALT)), 12);
    const header = encodeHeader({ number: 1, salt: SALT, recycled: false });
    const { steps, records: found, damage, follows } = parseSegment(Buffer.concat([header, head, payload]));
    if (found === 0) throw new MalformedBytes(damage ?? 'no record');
    expectEqual(
      'a record',
      recordBytes({ salt: SALT, number: 0, follows: follows! }, steps)
        .subarray(RECORD_HEADER_BYTES)
        .toString('hex'),
      payload.toString('hex'),
    );
    replay(emptyLog(follows!), steps);
  },
};

function state(random: SeededRandom): KvStore {
  const store = new KvStore();
  for (let index = 1; index <= random.int(0, 12); index++)
    store.apply(index, encodeCommand(sample.command(random)));
  return store;
}

function stateBlocks(store: KvStore): Buffer[] {
  const capture = store.capture();
  const blocks = [...capture.blocks].map((block) => Buffer.from(block));
  capture.release();
  return blocks;
}

const snapshots: Target = {
  name: 'snapshots',
  refuses: [SnapshotDamage],
  sample: (random) => {
    const header = {
      index: logIndex(random.int(1, 99)),
      term: term(random.int(1, 9)),
      logDigest: random.int(0, 1 << 30),
      configuration: sample.configuration(random),
    };
    return Buffer.concat([...snapshotBytes(header, stateBlocks(state(random)))]);
  },
  run: (bytes, random) => {
    const reader = new SnapshotReader();
    const blocks: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const to = Math.min(bytes.length, at + random.int(1, 400));
      for (const block of reader.push(bytes.subarray(at, to))) blocks.push(Buffer.from(block));
      at = to;
    }
    const { bytes: length } = reader.end();
    expectEqual('the length of a whole snapshot', length, bytes.length);
    const again = Buffer.concat([...snapshotBytes(reader.header!, blocks)]);
    if (!again.equals(bytes)) throw new Finding('a changed snapshot is accepted as complete');
  },
};

/** Blocks of a state with any content. The CRCs around a block are not part of it. */
const blocks: Target = {
  name: 'state blocks',
  refuses: [MalformedBytes],
  sample: (random) => random.pick(stateBlocks(state(random))),
  run: (bytes, random) => {
    const restored = new KvStore();
    const restoring = restored.restoring();
    restoring.push(bytes);
    restoring.finish();
    const before = stateBlocks(restored);
    const other = new KvStore();
    const again = other.restoring();
    for (const block of before) again.push(block);
    again.finish();
    expectEqual('a state, restored twice', stateBlocks(other), before);
    restored.apply(1_000, encodeCommand(sample.command(random)));
  },
};

const identities: Target = {
  name: 'identities',
  refuses: [],
  sample: (random) =>
    encodeIdentity({
      node: nodeId('n1'),
      cluster: sample.text(random),
      founders: [nodeId('n1'), nodeId('n2')],
      incarnation: random.int(0, 9),
    }),
  run: (bytes) => {
    const identity = decodeIdentity(bytes);
    if (identity !== null) expectEqual('an identity', encodeIdentity(identity).toString(), bytes.toString());
  },
};

/** A log of two segments with any content is replayed or refused. */
const replays: Target = {
  name: 'replay',
  refuses: [MalformedBytes],
  sample: segmentFile,
  run: (bytes, random) => {
    const log = emptyLog(0);
    for (const file of [bytes, mutated(segmentFile(random), bytes, random)]) {
      const { steps } = parseSegment(file);
      if (replay(log, steps) !== null) return;
    }
    const gap = log.entries.findIndex((entry, at) => entry.index !== log.base + 1 + at);
    if (gap >= 0) throw new Finding(`entry ${log.entries[gap]!.index} is at position ${log.base + 1 + gap}`);
  },
};

export const STORAGE_TARGETS: readonly Target[] = [segments, records, replays, snapshots, blocks, identities];
