import { crc32 } from 'node:zlib';
import { nodeId } from '../raft/types.ts';
import type { Identity } from '../replica/ports.ts';

/*
 * The file `identity`: one JSON object, which people can read. `crc32` is over the JSON without this field. The file is
 * written once, when the folder is made, before any message to another node.
 */

export function encodeIdentity({ node, cluster, founders, incarnation }: Identity): Buffer {
  const fields = { format: 1, node, cluster, founders, incarnation };
  return Buffer.from(`${JSON.stringify({ ...fields, crc32: crc32(JSON.stringify(fields)) })}\n`);
}

/** Returns null for bytes that are not an identity. */
export function decodeIdentity(bytes: Buffer): Identity | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString());
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const { node, cluster, founders, incarnation } = parsed as Record<string, unknown>;
  const plausible =
    typeof node === 'string' &&
    typeof cluster === 'string' &&
    Array.isArray(founders) &&
    Number.isSafeInteger(incarnation);
  if (!plausible) return null;
  const identity: Identity = {
    node: nodeId(node),
    cluster,
    founders: (founders as string[]).map(nodeId),
    incarnation: incarnation as number,
  };
  return encodeIdentity(identity).equals(bytes) ? identity : null;
}
