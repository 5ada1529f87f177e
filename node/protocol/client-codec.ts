import { isUtf8 } from 'node:buffer';
import { ByteReader, ByteWriter, MalformedBytes } from '../kv/bytes.ts';
import { COMMAND_CODE, readCommand, writeCommand } from '../kv/command.ts';
import { adminProblem, isAdmin, isAdminCode, readAdmin, textProblem, writeAdmin } from './admin-codec.ts';
import { ERRORS, MAX_KEY_BYTES, MAX_VALUE_BYTES } from './client.ts';
import type { ClientRequest, ClientResponse, ClientResult, ErrorCode, StoredValue } from './client.ts';
import { beginFrame, decodePayload, endFrame, ProtocolError, writeFrame } from './frame.ts';

/** Maximum sizes of payloads in bytes. A cas has two values; a `cas-mismatch` has one value and a message. */
export const MAX_REQUEST_BYTES = 2 * MAX_VALUE_BYTES + MAX_KEY_BYTES + 64;
export const MAX_RESPONSE_BYTES = MAX_VALUE_BYTES + 4_096;

/** Code of a read. The codes of commands are in `kv/command.ts`. */
const READ_CODE = 2;
const RESULT_CODE = { session: 1, value: 2, done: 3, error: 4, status: 5, snapshot: 6 } as const;
const ERROR_OF_WIRE = new Map<number, ErrorCode>(
  (Object.keys(ERRORS) as ErrorCode[]).map((code) => [ERRORS[code].wire, code]),
);

/**
 * Returns a request as a whole frame. Throws `ProtocolError` for a request that no node would accept: a key or value
 * above its limit, or text that is not well-formed Unicode.
 */
export function encodeRequest(request: ClientRequest): Uint8Array {
  const problem = requestProblem(request);
  if (problem !== null) throw new ProtocolError(problem);
  const out = new ByteWriter(256);
  writeRequest(out, request);
  return out.take();
}

/** Appends a request as a frame to `out`, without the checks of `encodeRequest`. */
export function writeRequest(out: ByteWriter, request: ClientRequest): void {
  writeFrame(out, 'client-request', () => {
    out.u64(request.requestId);
    if (request.type === 'read') {
      out.u8(READ_CODE);
      out.string(request.key);
    } else if (isAdmin(request)) {
      writeAdmin(out, request);
    } else {
      writeCommand(out, request);
    }
  });
}

/**
 * Offset of the command in a request's payload. The bytes from there on are the data of the log entry.
 */
export const COMMAND_OFFSET = 8;

/**
 * Decodes the payload of a request frame. Throws `ProtocolError` for bytes that are not a request. Limits of sizes are
 * not checked here but by `requestProblem`, so that a request above a limit can be answered with `bad-request`.
 */
export function decodeRequest(payload: Uint8Array): ClientRequest {
  return decodePayload('request', payload, (input) => {
    const requestId = input.u64();
    const code = payload[COMMAND_OFFSET]!;
    if (isAdminCode(code)) return { requestId, ...readAdmin(input) };
    if (code !== READ_CODE) return { requestId, ...readCommand(input) };
    input.u8();
    return { requestId, type: 'read', key: input.string() };
  });
}

/**
 * Returns the id of a request that is a well-formed write within the limits; null for all others, which `decodeRequest`
 * handles. Nearly all proposals are such writes. Their bytes are put into the log unchanged, so no strings are decoded.
 */
export function plainWriteId(payload: Buffer): number | null {
  const keyAt = COMMAND_OFFSET + 21;
  if (payload.length < keyAt + 4 || payload[COMMAND_OFFSET] !== COMMAND_CODE.write) return null;
  const keyBytes = payload.readUInt32BE(keyAt - 4);
  const valueAt = keyAt + keyBytes + 4;
  if (keyBytes > MAX_KEY_BYTES || payload.length < valueAt) return null;
  const valueBytes = payload.readUInt32BE(valueAt - 4);
  if (valueBytes > MAX_VALUE_BYTES || payload.length !== valueAt + valueBytes) return null;
  for (const highAt of [0, COMMAND_OFFSET + 1, COMMAND_OFFSET + 9]) {
    if (payload.readUInt32BE(highAt) >= 2 ** 21) return null;
  }
  if (!isUtf8(payload.subarray(keyAt, valueAt - 4)) || !isUtf8(payload.subarray(valueAt))) return null;
  return payload.readUInt32BE(0) * 2 ** 32 + payload.readUInt32BE(4);
}

/**
 * Returns the id in a payload that `decodeRequest` refuses, so that it can be answered; null if there is no id.
 */
export function requestIdOf(payload: Uint8Array): number | null {
  try {
    return new ByteReader(payload).u64();
  } catch {
    return null;
  }
}

/** Returns the reason why a request is not acceptable (above a limit, or not Unicode); null if it is. */
export function requestProblem(request: ClientRequest): string | null {
  switch (request.type) {
    case 'open-session':
      return null;
    case 'transfer-leadership':
    case 'status':
    case 'change-members':
    case 'take-snapshot':
      return adminProblem(request);
    case 'read':
      return textProblem('key', request.key, MAX_KEY_BYTES);
    case 'write':
    case 'append':
      return (
        textProblem('key', request.key, MAX_KEY_BYTES) ?? textProblem('value', request.value, MAX_VALUE_BYTES)
      );
    case 'delete':
      return (
        textProblem('key', request.key, MAX_KEY_BYTES) ??
        textProblem('tombstone', request.tombstone, MAX_VALUE_BYTES)
      );
    case 'cas':
      return (
        textProblem('key', request.key, MAX_KEY_BYTES) ??
        textProblem('from', request.from ?? '', MAX_VALUE_BYTES) ??
        textProblem('to', request.to, MAX_VALUE_BYTES)
      );
    default:
      return request satisfies never;
  }
}

/** Returns a response as a whole frame. */
export function encodeResponse(response: ClientResponse): Uint8Array {
  const out = new ByteWriter(256);
  writeResponse(out, response.requestId, response);
  return out.take();
}

/** Appends a response as a frame to `out`, so that many responses are sent with one write. */
export function writeResponse(out: ByteWriter, requestId: number, result: ClientResult): void {
  const start = beginFrame(out, 'client-response');
  out.u64(requestId);
  out.u8(RESULT_CODE[result.type]);
  writeResult(out, result);
  endFrame(out, 'client-response', start);
}

function writeResult(out: ByteWriter, result: ClientResult): void {
  switch (result.type) {
    case 'session':
      return out.u64(result.session);
    case 'value':
      return writeStored(out, result);
    case 'done':
      return;
    case 'status':
      return out.string(result.status);
    case 'snapshot':
      out.u64(result.index);
      out.u64(result.term);
      out.u64(result.bytes);
      out.u32(result.logDigest);
      return out.u32(result.stateDigest);
    case 'error':
      out.u8(ERRORS[result.code].wire);
      out.string(result.message);
      out.nullableString(result.leader ?? null);
      out.bool(result.found !== undefined);
      if (result.found !== undefined) writeStored(out, result.found);
      return;
    default:
      return result satisfies never;
  }
}

/** Decodes the payload of a response frame. Throws `ProtocolError` if it is not a response. */
export function decodeResponse(payload: Uint8Array): ClientResponse {
  return decodePayload('response', payload, (input): ClientResponse => {
    const requestId = input.u64();
    const code = input.u8();
    switch (code) {
      case RESULT_CODE.session:
        return { requestId, type: 'session', session: input.u64() };
      case RESULT_CODE.value:
        return { requestId, type: 'value', ...readStored(input) };
      case RESULT_CODE.done:
        return { requestId, type: 'done' };
      case RESULT_CODE.error:
        return { requestId, ...readError(input) };
      case RESULT_CODE.status:
        return { requestId, type: 'status', status: input.string() };
      case RESULT_CODE.snapshot:
        return {
          requestId,
          type: 'snapshot',
          index: input.u64(),
          term: input.u64(),
          bytes: input.u64(),
          logDigest: input.u32(),
          stateDigest: input.u32(),
        };
      default:
        throw new MalformedBytes(`unknown result ${code}`);
    }
  });
}

function readError(input: ByteReader): Extract<ClientResult, { type: 'error' }> {
  const wire = input.u8();
  const code = ERROR_OF_WIRE.get(wire);
  if (code === undefined) throw new MalformedBytes(`unknown error code ${wire}`);
  const message = input.string();
  const leader = input.nullableString();
  const found = input.bool() ? readStored(input) : undefined;
  return {
    type: 'error',
    code,
    message,
    ...(leader === null ? {} : { leader }),
    ...(found === undefined ? {} : { found }),
  };
}

function writeStored(out: ByteWriter, stored: StoredValue): void {
  out.bool(stored.present);
  out.nullableString(stored.value);
}

function readStored(input: ByteReader): StoredValue {
  return { present: input.bool(), value: input.nullableString() };
}
