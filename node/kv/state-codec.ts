import { ByteReader, ByteWriter, MalformedBytes } from './bytes.ts';
import type { Register } from './registers.ts';
import type { SessionRecord } from './sessions.ts';
import type { Outcome } from './state-machine.ts';

/**
 * The state as blocks; equal states have equal bytes. A block is u8 kind, then records to its end:
 *
 *   0 clock      u64 ms
 *   1 sessions   in order of last use: u64 number, u64 seq, u64 last use, u8 outcome (0 none, 1 done, 2 error); for an
 *                error u8 code, string message, bool found, if 1: a register's content
 *   2 registers  in order of first write: string key, then the content: bool present, string? value
 */
const KIND = { clock: 0, sessions: 1, registers: 2 } as const;
const OUTCOME = { none: 0, done: 1, error: 2 } as const;
const ERROR_CODES = ['cas-mismatch', 'session-expired', 'stale-seq', 'bad-request'] as const;
/** Size in bytes at which a block ends after its current record, so that encoding a block takes only a short time. */
const BLOCK_BYTES = 128 << 10;

type Sessions = Iterable<SessionRecord<Outcome>>;
type Registers = Iterable<readonly [string, Register]>;

/** Reads `sessions` and `registers` only as far as the blocks are read. */
export function* encodeState(
  clockMs: number,
  sessions: Sessions,
  registers: Registers,
): Generator<Uint8Array> {
  const clock = new ByteWriter(9);
  clock.u8(KIND.clock);
  clock.u64(clockMs);
  yield clock.take();
  yield* encodeRecords(KIND.sessions, sessions, writeSession);
  yield* encodeRecords(KIND.registers, registers, writeRegister);
}

/** Passes the content of a block to `into`. Throws `MalformedBytes` if the block is not valid. */
export function decodeBlock(
  block: Uint8Array,
  into: {
    clock: (ms: number) => void;
    session: (record: SessionRecord<Outcome>) => void;
    register: (key: string, register: Register) => void;
  },
): void {
  const input = new ByteReader(block);
  const kind = input.u8();
  switch (kind) {
    case KIND.clock:
      into.clock(input.u64());
      return input.end();
    case KIND.sessions:
      while (input.left > 0) into.session(readSession(input));
      return;
    case KIND.registers:
      while (input.left > 0) into.register(input.string(), readContent(input));
      return;
    default:
      throw new MalformedBytes(`unknown kind of block: ${kind}`);
  }
}

function* encodeRecords<T>(
  kind: number,
  records: Iterable<T>,
  write: (out: ByteWriter, record: T) => void,
): Generator<Uint8Array> {
  const out = new ByteWriter(2 * BLOCK_BYTES);
  for (const record of records) {
    if (out.length === 0) out.u8(kind);
    write(out, record);
    if (out.length >= BLOCK_BYTES) yield out.take();
  }
  if (out.length > 0) yield out.take();
}

function writeSession(out: ByteWriter, { number, seq, usedMs, outcome }: SessionRecord<Outcome>): void {
  out.u64(number);
  out.u64(seq);
  out.u64(usedMs);
  if (outcome?.type !== 'error') {
    out.u8(outcome === null ? OUTCOME.none : OUTCOME.done);
    return;
  }
  out.u8(OUTCOME.error);
  out.u8(ERROR_CODES.indexOf(outcome.code));
  out.string(outcome.message);
  out.bool(outcome.found !== undefined);
  if (outcome.found !== undefined) writeContent(out, outcome.found);
}

function readSession(input: ByteReader): SessionRecord<Outcome> {
  const session = { number: input.u64(), seq: input.u64(), usedMs: input.u64() };
  const kind = input.u8();
  if (kind === OUTCOME.none) return { ...session, outcome: null };
  if (kind === OUTCOME.done) return { ...session, outcome: { type: 'done' } };
  if (kind !== OUTCOME.error) throw new MalformedBytes(`unknown kind of outcome: ${kind}`);
  const code = ERROR_CODES[input.u8()];
  if (code === undefined) throw new MalformedBytes('unknown code of an outcome');
  const error = { type: 'error', code, message: input.string() } as const;
  return { ...session, outcome: input.bool() ? { ...error, found: readContent(input) } : error };
}

function writeRegister(out: ByteWriter, [key, register]: readonly [string, Register]): void {
  out.string(key);
  writeContent(out, register);
}

function writeContent(out: ByteWriter, { present, value }: Register): void {
  out.bool(present);
  out.nullableString(value);
}

function readContent(input: ByteReader): Register {
  return { present: input.bool(), value: input.nullableString() };
}
