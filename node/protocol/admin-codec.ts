import { MalformedBytes } from '../kv/bytes.ts';
import type { ByteReader, ByteWriter } from '../kv/bytes.ts';
import { isAddress } from './address.ts';
import { MAX_ID_BYTES } from './client.ts';
import type { AdminOperation, ClientOperation, MembersChange } from './client.ts';

/** Codes of requests to a node, in contrast to requests to the store. */
const ADMIN_CODE: Readonly<Record<AdminOperation['type'], number>> = {
  'transfer-leadership': 16,
  status: 17,
  'change-members': 18,
  'take-snapshot': 19,
};
const CHANGES = ['add-learner', 'promote', 'demote', 'remove'] as const;
/** Maximum number of steps in one change. No cluster has more nodes. */
const MAX_CHANGES = 16;
const MAX_ADDRESS_BYTES = 300;

export const isAdminCode = (code: number): boolean => code >= 16 && code <= 19;

export function isAdmin(operation: ClientOperation): operation is AdminOperation {
  return Object.hasOwn(ADMIN_CODE, operation.type);
}

export function writeAdmin(out: ByteWriter, operation: AdminOperation): void {
  out.u8(ADMIN_CODE[operation.type]);
  switch (operation.type) {
    case 'transfer-leadership':
      return out.nullableString(operation.target);
    case 'change-members':
      out.u32(operation.changes.length);
      for (const change of operation.changes) writeChange(out, change);
      return;
    case 'status':
    case 'take-snapshot':
      return;
    default:
      return operation satisfies never;
  }
}

/** Throws `MalformedBytes` for bytes that are not such a request. */
export function readAdmin(input: ByteReader): AdminOperation {
  const code = input.u8();
  switch (code) {
    case ADMIN_CODE['transfer-leadership']:
      return { type: 'transfer-leadership', target: input.nullableString() };
    case ADMIN_CODE['change-members']: {
      const count = input.u32();
      if (count > MAX_CHANGES) throw new MalformedBytes(`${count} changes; at most ${MAX_CHANGES} at once`);
      return { type: 'change-members', changes: Array.from({ length: count }, () => readChange(input)) };
    }
    case ADMIN_CODE.status:
      return { type: 'status' };
    case ADMIN_CODE['take-snapshot']:
      return { type: 'take-snapshot' };
    default:
      throw new MalformedBytes(`unknown operation ${code}`);
  }
}

/** Returns the reason why a request is not acceptable; null if it is. */
export function adminProblem(operation: AdminOperation): string | null {
  if (operation.type === 'transfer-leadership')
    return textProblem('target', operation.target ?? '', MAX_ID_BYTES);
  if (operation.type !== 'change-members') return null;
  if (operation.changes.length > MAX_CHANGES)
    return `${operation.changes.length} changes; at most ${MAX_CHANGES} at once`;
  for (const change of operation.changes) {
    const problem = textProblem('id', change.id, MAX_ID_BYTES) ?? changeProblem(change);
    if (problem !== null) return problem;
  }
  return null;
}

/** Returns the reason why `text` cannot be sent; null if it can. */
export function textProblem(what: string, text: string, maxBytes: number): string | null {
  if (!text.isWellFormed()) return `${what} is not well-formed Unicode (a lone surrogate)`;
  // UTF-8 has at most three bytes per UTF-16 unit, so the bytes of short texts need not be counted.
  if (text.length * 3 <= maxBytes) return null;
  const bytes = Buffer.byteLength(text);
  return bytes > maxBytes ? `${what} of ${bytes} bytes; at most ${maxBytes} are allowed` : null;
}

function changeProblem(change: MembersChange): string | null {
  if (change.id === '') return 'a member has no id';
  if (change.type !== 'add-learner') return null;
  const problem = textProblem('address', change.address, MAX_ADDRESS_BYTES);
  if (problem !== null) return problem;
  return isAddress(change.address)
    ? null
    : `the address '${change.address}' is not a valid host:port, such as 127.0.0.1:7004`;
}

function writeChange(out: ByteWriter, change: MembersChange): void {
  out.u8(1 + CHANGES.indexOf(change.type));
  out.string(change.id);
  if (change.type === 'add-learner') out.string(change.address);
}

function readChange(input: ByteReader): MembersChange {
  const code = input.u8();
  const type = CHANGES[code - 1];
  if (type === undefined) throw new MalformedBytes(`unknown change ${code}`);
  const id = input.string();
  return type === 'add-learner' ? { type, id, address: input.string() } : { type, id };
}
