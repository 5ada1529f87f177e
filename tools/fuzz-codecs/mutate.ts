import type { SeededRandom } from '../../node/raft/testing/random.ts';

/** Boundary values at which the handling of lengths, counts and numbers often fails. */
const NUMBERS = [
  0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff,
] as const;
const MAX_CHANGES = 4;
const MAX_PIECE_BYTES = 64;

/** Returns `sample` with one to four changes of the kinds that decoders often handle wrongly. */
export function mutated(sample: Buffer, other: Buffer, random: SeededRandom): Buffer {
  if (random.chance(0.02)) return noise(random.int(0, 200), random);
  let bytes: Buffer = Buffer.from(sample);
  for (let left = random.int(1, MAX_CHANGES); left > 0; left--) bytes = changed(bytes, other, random);
  return bytes;
}

function changed(bytes: Buffer, other: Buffer, random: SeededRandom): Buffer {
  const at = random.int(0, Math.max(0, bytes.length - 1));
  const to = Math.min(bytes.length, at + random.int(1, MAX_PIECE_BYTES));
  switch (random.int(0, 8)) {
    case 0:
      if (bytes.length > 0) bytes[at]! ^= 1 << random.int(0, 7);
      return bytes;
    case 1:
      if (bytes.length > 0) bytes[at] = random.int(0, 255);
      return bytes;
    case 2:
    case 3: {
      if (at + 4 > bytes.length) return bytes;
      const near = bytes.readUInt32BE(at) + random.int(-2, 2);
      bytes.writeUInt32BE((random.chance(0.5) ? random.pick(NUMBERS) : near) >>> 0, at);
      return bytes;
    }
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    case 5:
      return bytes.subarray(0, at);
    case 6:
      return Buffer.concat([
        bytes.subarray(0, at),
        noise(random.int(1, MAX_PIECE_BYTES), random),
        bytes.subarray(at),
      ]);
    case 7:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    default: {
      const from = random.int(0, Math.max(0, other.length - 1));
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from)]);
    }
  }
}

function noise(length: number, random: SeededRandom): Buffer {
  return Buffer.from(Array.from({ length }, () => random.int(0, 255)));
}
