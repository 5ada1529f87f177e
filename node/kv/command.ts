import { ByteReader, ByteWriter, MalformedBytes } from './bytes.ts';

/** Content of a log entry of kind `command`, for the state machine. `docs/protocol.md` describes the bytes. */
export type Command = ClientCommand | OpenSessionWithin | ExpireSessions;

/** Commands of clients. */
export type ClientCommand = { readonly type: 'open-session' } | InSession;

export type InSession =
  | (OfSession & { readonly type: 'write'; readonly key: string; readonly value: string })
  | (OfSession & {
      readonly type: 'cas';
      readonly key: string;
      /** Expected value; null: the key was never written. */
      readonly from: string | null;
      readonly to: string;
    })
  | (OfSession & { readonly type: 'delete'; readonly key: string; readonly tombstone: string })
  | (OfSession & { readonly type: 'append'; readonly key: string; readonly value: string });

/**
 * A client's `open-session` as its leader proposes it. If there are more than `cap` sessions, the least recently used
 * are removed. `cap` is in the log, because every node must remove the same sessions, even if its options differ.
 */
export interface OpenSessionWithin {
  readonly type: 'open-session-within';
  /** At least 1. */
  readonly cap: number;
}

/**
 * Leaders write the time into the log at intervals, and sessions that were idle for longer than `idleMs` are removed.
 */
export interface ExpireSessions {
  readonly type: 'expire-sessions';
  /** Time since the cluster began, in ms. Time without a leader is not counted. */
  readonly clockMs: number;
  readonly idleMs: number;
}

interface OfSession {
  /** The log index of the entry that opened the session. */
  readonly session: number;
  /** Number of the write in its session. It rises by one per write. */
  readonly seq: number;
}

/** First byte of a command. 2 is `read` in the client protocol, which is never in the log. */
export const COMMAND_CODE = { 'open-session': 1, write: 3, cas: 4, delete: 5, append: 6 } as const;
/** Code of a command that clients may not send. */
const EXPIRE_SESSIONS_CODE = 128;
const OPEN_SESSION_WITHIN_CODE = 129;

export function writeCommand(out: ByteWriter, command: ClientCommand): void {
  out.u8(COMMAND_CODE[command.type]);
  if (command.type === 'open-session') return;
  out.u64(command.session);
  out.u64(command.seq);
  out.string(command.key);
  switch (command.type) {
    case 'write':
    case 'append':
      return out.string(command.value);
    case 'delete':
      return out.string(command.tombstone);
    case 'cas':
      out.nullableString(command.from);
      return out.string(command.to);
    default:
      return command satisfies never;
  }
}

/** Throws `MalformedBytes` for bytes that are not a client's command. */
export function readCommand(input: ByteReader): ClientCommand {
  const code = input.u8();
  if (code === COMMAND_CODE['open-session']) return { type: 'open-session' };
  if (code < COMMAND_CODE.write || code > COMMAND_CODE.append)
    throw new MalformedBytes(`unknown command ${code}`);
  const session = input.u64();
  const seq = input.u64();
  const key = input.string();
  switch (code) {
    case COMMAND_CODE.write:
      return { type: 'write', session, seq, key, value: input.string() };
    case COMMAND_CODE.cas:
      return { type: 'cas', session, seq, key, from: input.nullableString(), to: input.string() };
    case COMMAND_CODE.delete:
      return { type: 'delete', session, seq, key, tombstone: input.string() };
    default:
      return { type: 'append', session, seq, key, value: input.string() };
  }
}

export function encodeCommand(command: Command): Uint8Array {
  const out = new ByteWriter(256);
  if (command.type === 'open-session-within') {
    out.u8(OPEN_SESSION_WITHIN_CODE);
    out.u32(command.cap);
  } else if (command.type === 'expire-sessions') {
    out.u8(EXPIRE_SESSIONS_CODE);
    out.u64(command.clockMs);
    out.u64(command.idleMs);
  } else {
    writeCommand(out, command);
  }
  return out.take();
}

/** A whole entry's data. Throws `MalformedBytes`. */
export function decodeCommand(data: Uint8Array): Command {
  const input = new ByteReader(data);
  const command = readLogged(input, data[0]);
  input.end();
  return command;
}

function readLogged(input: ByteReader, code: number | undefined): Command {
  if (code === EXPIRE_SESSIONS_CODE) return readExpireSessions(input);
  return code === OPEN_SESSION_WITHIN_CODE ? readOpenSessionWithin(input) : readCommand(input);
}

function readOpenSessionWithin(input: ByteReader): OpenSessionWithin {
  input.u8();
  const cap = input.u32();
  if (cap === 0)
    throw new MalformedBytes('a session cannot be opened if the maximum number of sessions is 0');
  return { type: 'open-session-within', cap };
}

function readExpireSessions(input: ByteReader): ExpireSessions {
  input.u8();
  return { type: 'expire-sessions', clockMs: input.u64(), idleMs: input.u64() };
}
