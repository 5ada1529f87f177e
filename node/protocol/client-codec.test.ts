import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  MAX_REQUEST_BYTES,
  plainWriteId,
  requestIdOf,
  requestProblem,
  writeRequest,
} from './client-codec.ts';
import { ByteWriter } from '../kv/bytes.ts';
import { ERRORS, MAX_KEY_BYTES, MAX_VALUE_BYTES } from './client.ts';
import type { ClientRequest, ClientResponse, ErrorCode, MembersChange } from './client.ts';
import { FRAME_HEADER_BYTES, FrameReader, ProtocolError } from './frame.ts';

const text = fc.string({ unit: 'binary', maxLength: 40 });
const id = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const inSession = { requestId: id, session: id, seq: id, key: text };

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 15 });
const change: fc.Arbitrary<MembersChange> = fc.oneof(
  fc.record({
    type: fc.constant('add-learner' as const),
    id: name,
    address: fc.constantFrom('h:1', '127.0.0.1:65535', '[::1]:7004'),
  }),
  fc.record({ type: fc.constantFrom('promote' as const, 'demote' as const, 'remove' as const), id: name }),
);

const requests: fc.Arbitrary<ClientRequest> = fc.oneof(
  fc.record({ type: fc.constant('open-session' as const), requestId: id }),
  fc.record({ type: fc.constant('transfer-leadership' as const), requestId: id, target: fc.option(text) }),
  fc.record({ type: fc.constantFrom('status' as const, 'take-snapshot' as const), requestId: id }),
  fc.record({
    type: fc.constant('change-members' as const),
    requestId: id,
    changes: fc.array(change, { maxLength: 16 }),
  }),
  fc.record({ type: fc.constant('read' as const), requestId: id, key: text }),
  fc.record({ type: fc.constant('write' as const), ...inSession, value: text }),
  fc.record({ type: fc.constant('append' as const), ...inSession, value: text }),
  fc.record({ type: fc.constant('delete' as const), ...inSession, tombstone: text }),
  fc.record({ type: fc.constant('cas' as const), ...inSession, from: fc.option(text), to: text }),
);

const stored = fc.record({ present: fc.boolean(), value: fc.option(text) });
const responses: fc.Arbitrary<ClientResponse> = fc.oneof(
  fc.record({ type: fc.constant('session' as const), requestId: id, session: id }),
  fc.record({ type: fc.constant('done' as const), requestId: id }),
  fc.record({ type: fc.constant('status' as const), requestId: id, status: text }),
  fc.record({
    type: fc.constant('snapshot' as const),
    requestId: id,
    index: id,
    term: id,
    bytes: id,
    logDigest: fc.nat({ max: 0xffff_ffff }),
    stateDigest: fc.nat({ max: 0xffff_ffff }),
  }),
  stored.chain((s) =>
    fc.record({
      type: fc.constant('value' as const),
      requestId: id,
      present: fc.constant(s.present),
      value: fc.constant(s.value),
    }),
  ),
  fc.record(
    {
      type: fc.constant('error' as const),
      requestId: id,
      code: fc.constantFrom(...(Object.keys(ERRORS) as ErrorCode[])),
      message: text,
      leader: text,
      found: stored,
    },
    { requiredKeys: ['type', 'requestId', 'code', 'message'] },
  ),
);

const payloadOf = (frame: Uint8Array, type: 'client-request' | 'client-response'): Buffer => {
  const payloads = new FrameReader(type).push(frame);
  expect(payloads).toHaveLength(1);
  return payloads[0]!;
};

const errorOf = (act: () => unknown): unknown => {
  try {
    act();
    return null;
  } catch (error) {
    return error;
  }
};

/** Recognises a plain write by decoding the whole request. */
function plainWriteOf(payload: Buffer): ClientRequest | null {
  try {
    const request = decodeRequest(payload);
    return request.type === 'write' && requestProblem(request) === null ? request : null;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

describe('the client codec', () => {
  test('decodes every request that it has encoded', () => {
    fc.assert(
      fc.property(requests, (request) => {
        expect(decodeRequest(payloadOf(encodeRequest(request), 'client-request'))).toEqual(request);
      }),
    );
  });

  test('decodes every response that it has encoded', () => {
    fc.assert(
      fc.property(responses, (response) => {
        expect(decodeResponse(payloadOf(encodeResponse(response), 'client-response'))).toEqual(response);
      }),
    );
  });

  test('refuses every payload that is too short or too long', () => {
    fc.assert(
      fc.property(requests, fc.nat(), (request, cut) => {
        const payload = payloadOf(encodeRequest(request), 'client-request');
        expect(() => decodeRequest(payload.subarray(0, cut % payload.length))).toThrow(ProtocolError);
        expect(() => decodeRequest(Buffer.concat([payload, Buffer.of(0)]))).toThrow(ProtocolError);
      }),
    );
  });

  test('returns a value or throws a ProtocolError for any bytes, and no other error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        for (const decode of [decodeRequest, decodeResponse]) {
          const error = errorOf(() => decode(bytes));
          expect(error === null || error instanceof ProtocolError).toBe(true);
        }
      }),
    );
  });

  test('recognises a plain write without decoding it if and only if it is well-formed and within the limits', () => {
    const bent = fc.tuple(requests, fc.nat(), fc.nat({ max: 255 })).map(([request, at, byte]) => {
      const payload = Buffer.from(payloadOf(encodeRequest(request), 'client-request'));
      // The change may give a key that is too long, a wrong length, a number of 2^53 or more, or text that is not
      // UTF-8.
      if (byte > 60) payload[at % payload.length] = byte;
      return payload;
    });
    const long = (key: number, value: number): Buffer => {
      const out = new ByteWriter();
      const text = { key: 'k'.repeat(key), value: 'v'.repeat(value) };
      writeRequest(out, { type: 'write', requestId: 7, session: 1, seq: 1, ...text });
      return payloadOf(out.take(), 'client-request');
    };
    const limits = [long(MAX_KEY_BYTES, 1), long(MAX_KEY_BYTES + 1, 1), long(1, MAX_VALUE_BYTES + 1)];
    fc.assert(
      fc.property(fc.oneof(bent, fc.constantFrom(...limits)), (payload) => {
        const write = plainWriteOf(payload);
        expect(plainWriteId(payload)).toBe(write?.requestId ?? null);
      }),
      { numRuns: 1_000 },
    );
    expect(plainWriteId(limits[0]!)).toBe(7);
  });

  test('refuses text that is not UTF-8, and keeps the request id for the answer', () => {
    const payload = Buffer.from(
      payloadOf(encodeRequest({ type: 'read', requestId: 9, key: 'ab' }), 'client-request'),
    );
    payload[payload.length - 1] = 0xff;
    expect(() => decodeRequest(payload)).toThrow(/not UTF-8/);
    expect(requestIdOf(payload)).toBe(9);
    expect(requestIdOf(payload.subarray(0, 7))).toBeNull();
  });

  test('refuses a number that a double cannot hold exactly', () => {
    const payload = Buffer.from(
      payloadOf(encodeRequest({ type: 'open-session', requestId: 1 }), 'client-request'),
    );
    payload[0] = 0xff;
    expect(() => decodeRequest(payload)).toThrow(/2\^53/);
  });

  test('refuses changes of members that no node would accept, with the reason', () => {
    const change = (...changes: MembersChange[]): Uint8Array =>
      encodeRequest({ type: 'change-members', requestId: 1, changes });
    const remove: MembersChange = { type: 'remove', id: 'n1' };
    expect(() => change(...Array.from({ length: 17 }, () => remove))).toThrow(/17 changes; at most 16/);
    expect(() => change({ ...remove, id: '' })).toThrow(/a member has no id/);
    expect(() => change({ ...remove, id: 'n'.repeat(300) })).toThrow(/id of 300 bytes/);
    for (const address of ['', 'h', 'h:', ':1', 'h:0', 'h:65536', 'h:1:2', 'a b:1', '[::1]', '::1:7'])
      expect(() => change({ type: 'add-learner', id: 'n4', address })).toThrow(/is not a valid host:port/);
  });

  test('encodes the largest cas, and refuses one with a byte more', () => {
    const value = 'é'.repeat(MAX_VALUE_BYTES / 2);
    const largest: ClientRequest = {
      type: 'cas',
      requestId: 1,
      session: 1,
      seq: 1,
      key: 'k'.repeat(MAX_KEY_BYTES),
      from: value,
      to: value,
    };
    const frame = encodeRequest(largest);
    expect(frame.length - FRAME_HEADER_BYTES).toBeLessThanOrEqual(MAX_REQUEST_BYTES);
    expect(() => encodeRequest({ ...largest, to: `${value}x` })).toThrow(/to of 1048577 bytes/);
    expect(() => encodeRequest({ ...largest, key: `${largest.key}x` })).toThrow(/key of 1025 bytes/);
    expect(() => encodeRequest({ ...largest, to: '\ud800' })).toThrow(/lone surrogate/);
  });
});
