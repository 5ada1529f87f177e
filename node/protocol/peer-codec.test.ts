import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../kv/bytes.ts';
import { encodeConfiguration, founding } from '../raft/configuration.ts';
import { logIndex, nodeId, term } from '../raft/types.ts';
import type { Entry } from '../raft/types.ts';
import { FrameReader, ProtocolError } from './frame.ts';
import { channelOf, decodeHello, decodeMessage, writeHello, writeMessage } from './peer-codec.ts';
import type { PeerMessage } from './snapshot-message.ts';

const from = nodeId('n1');
const to = nodeId('n2');
const number = fc.nat({ max: Number.MAX_SAFE_INTEGER - 100 });
const index = number.map(logIndex);
const terms = number.map(term);
const peers = { from, incarnation: 7, to };
const envelope = {
  from: fc.constant(from),
  incarnation: fc.constant(7),
  to: fc.constant(to),
  term: terms,
};
const configuration = founding([from, to]);

const entriesAfter = (prev: number): fc.Arbitrary<Entry[]> =>
  fc
    .array(
      fc.tuple(
        terms,
        fc.constantFrom('noop' as const, 'command' as const, 'config' as const),
        fc.uint8Array({ maxLength: 30 }),
      ),
      { maxLength: 6 },
    )
    .map((list) =>
      list.map(([term, kind, data], i) => ({
        index: logIndex(prev + 1 + i),
        term,
        kind,
        data: Buffer.from(kind === 'config' ? encodeConfiguration(configuration) : data),
      })),
    );

const messages: fc.Arbitrary<PeerMessage> = fc.oneof(
  fc.record({
    type: fc.constant('RequestVote' as const),
    ...envelope,
    preVote: fc.boolean(),
    transfer: fc.boolean(),
    lastLogIndex: index,
    lastLogTerm: terms,
  }),
  fc.record({
    type: fc.constant('RequestVoteResponse' as const),
    ...envelope,
    preVote: fc.boolean(),
    voteGranted: fc.boolean(),
  }),
  index.chain((prevLogIndex) =>
    fc.record({
      type: fc.constant('AppendEntries' as const),
      ...envelope,
      prevLogIndex: fc.constant(prevLogIndex),
      prevLogTerm: terms,
      leaderCommit: index,
      entries: entriesAfter(prevLogIndex),
    }),
  ),
  fc.record({
    type: fc.constant('AppendEntriesResponse' as const),
    ...envelope,
    success: fc.boolean(),
    matchIndex: index,
    conflictTerm: terms,
    conflictIndex: index,
  }),
  fc.record({
    type: fc.constant('Heartbeat' as const),
    ...envelope,
    commit: index,
    commitTerm: terms,
    readContext: number,
  }),
  fc.record({ type: fc.constant('HeartbeatResponse' as const), ...envelope, readContext: number }),
  fc.record({ type: fc.constant('TimeoutNow' as const), ...envelope }),
  fc.record({
    type: fc.constant('SnapshotChunk' as const),
    ...envelope,
    index,
    offset: number,
    data: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  }),
  fc.record({
    type: fc.constant('SnapshotWanted' as const),
    ...envelope,
    index,
    offset: number,
    again: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('SnapshotOffer' as const),
    ...envelope,
    snapshot: fc.record({ index, term: terms, configuration: fc.constant(configuration) }),
    bytes: number,
    checksum: fc.nat({ max: 0xffff_ffff }),
  }),
);

const payloadOf = (message: PeerMessage): Uint8Array => {
  const out = new ByteWriter(64);
  writeMessage(out, message);
  return new FrameReader('peer').push(out.take())[0]!;
};

describe('the peer codec', () => {
  test('decodes every message that it has encoded', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(decodeMessage(payloadOf(message), peers)).toEqual(message);
      }),
    );
  });

  test('refuses every message that is too short', () => {
    fc.assert(
      fc.property(messages, fc.nat(), (message, cut) => {
        const payload = payloadOf(message);
        expect(() => decodeMessage(payload.subarray(0, cut % payload.length), peers)).toThrow(ProtocolError);
      }),
    );
  });

  test('decodes a hello, and refuses a message in its place', () => {
    const hello = {
      cluster: 'n1,n2,n3',
      ...peers,
      promiseMs: 300,
      address: 'h:1',
      toMember: true,
      channel: 'bulk' as const,
    };
    const out = new ByteWriter(64);
    writeHello(out, hello);
    expect(decodeHello(new FrameReader('peer').push(out.take())[0]!)).toEqual(hello);
    const heartbeat: PeerMessage = {
      type: 'Heartbeat',
      ...peers,
      term: term(1),
      commit: logIndex(0),
      commitTerm: term(0),
      readContext: 0,
    };
    expect(() => decodeHello(payloadOf(heartbeat))).toThrow(/must be a hello/);
  });

  test('refuses entries with a gap, and entries that do not follow prevLogIndex', () => {
    const entry = (at: number): Entry => ({
      index: logIndex(at),
      term: term(1),
      kind: 'noop',
      data: Buffer.alloc(0),
    });
    const append = (prev: number, entries: Entry[]): PeerMessage => ({
      type: 'AppendEntries',
      ...peers,
      term: term(1),
      prevLogIndex: logIndex(prev),
      prevLogTerm: term(1),
      leaderCommit: logIndex(0),
      entries,
    });
    expect(() => decodeMessage(payloadOf(append(4, [entry(5), entry(7)])), peers)).toThrow(
      /entry 7 after entry 5/,
    );
    expect(() => decodeMessage(payloadOf(append(3, [entry(5)])), peers)).toThrow(
      /do not follow prevLogIndex 3/,
    );
  });

  test('refuses bytes that are not a configuration', () => {
    const broken = { index: logIndex(1), term: term(1), kind: 'config' as const, data: Buffer.from('{}') };
    const append: PeerMessage = {
      type: 'AppendEntries',
      ...peers,
      term: term(1),
      prevLogIndex: logIndex(0),
      prevLogTerm: term(0),
      leaderCommit: logIndex(0),
      entries: [broken],
    };
    expect(() => decodeMessage(payloadOf(append), peers)).toThrow(/entry 1 has no valid configuration/);
  });

  test('does not send heartbeats and votes over the bulk connection', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(channelOf(message) === 'bulk').toBe(
          message.type === 'AppendEntries' || message.type === 'SnapshotChunk',
        );
      }),
    );
  });
});
