import { MalformedBytes } from '../kv/bytes.ts';
import type { ByteReader, ByteWriter } from '../kv/bytes.ts';
import { decodeConfiguration, encodeConfiguration } from '../raft/configuration.ts';
import type { SnapshotMeta } from '../raft/configuration.ts';
import type { AppendEntries, Message } from '../raft/message.ts';
import { logIndex, nodeId, term } from '../raft/types.ts';
import type { NodeId } from '../raft/types.ts';
import { readEntries, writeEntries } from './entry-codec.ts';
import { decodePayload, writeFrame } from './frame.ts';
import type { PeerMessage } from './snapshot-message.ts';

/**
 * A node has two connections to each peer, so that a heartbeat or a vote never waits for bulk data: AppendEntries go
 * over `bulk`, everything else over `control`.
 */
export type PeerChannel = 'control' | 'bulk';

/**
 * The first frame of a peer connection. All messages after it are from `from` to `to`. They do not contain these ids or
 * the incarnation.
 */
export interface Hello {
  /** Name of the cluster, because nodes of different clusters must not exchange messages. */
  readonly cluster: string;
  readonly from: NodeId;
  /** Incarnation of `from`: it applies to all messages on this connection. */
  readonly incarnation: number;
  readonly to: NodeId;
  /**
   * Time in ms during which the sender takes part in no election after it has heard from a leader. The leader's lease
   * relies on this promise; 0: there is no promise. It must be the same on all nodes of a cluster.
   */
  readonly promiseMs: number;
  /**
   * Address of `from`, as `host:port`. It is used if the receiver has no other address, because the configuration with
   * `from` may not have arrived yet.
   */
  readonly address: string;
  /** True if `to` is a member in the configuration of `from`. If not, `from` only answers the messages of `to`. */
  readonly toMember: boolean;
  readonly channel: PeerChannel;
}

const HELLO_CODE = 0;
const CHANNEL_CODE: Readonly<Record<PeerChannel, number>> = { control: 0, bulk: 1 };
const MESSAGE_CODE: Readonly<Record<PeerMessage['type'], number>> = {
  RequestVote: 1,
  RequestVoteResponse: 2,
  AppendEntries: 3,
  AppendEntriesResponse: 4,
  Heartbeat: 5,
  HeartbeatResponse: 6,
  SnapshotOffer: 7,
  TimeoutNow: 8,
  SnapshotChunk: 9,
  SnapshotWanted: 10,
};

export const channelOf = ({ type }: PeerMessage): PeerChannel =>
  type === 'AppendEntries' || type === 'SnapshotChunk' ? 'bulk' : 'control';

export function writeHello(out: ByteWriter, hello: Hello): void {
  writeFrame(out, 'peer', () => {
    out.u8(HELLO_CODE);
    out.string(hello.cluster);
    out.string(hello.from);
    out.u64(hello.incarnation);
    out.string(hello.to);
    out.u32(hello.promiseMs);
    out.string(hello.address);
    out.bool(hello.toMember);
    out.u8(CHANNEL_CODE[hello.channel]);
  });
}

/** Throws `ProtocolError` if the payload is not a valid hello. */
export function decodeHello(payload: Uint8Array): Hello {
  return decodePayload('hello', payload, (input) => {
    const code = input.u8();
    if (code !== HELLO_CODE)
      throw new MalformedBytes(`the first frame must be a hello, but is of kind ${code}`);
    return {
      cluster: input.string(),
      from: nodeId(input.string()),
      incarnation: input.u64(),
      to: nodeId(input.string()),
      promiseMs: input.u32(),
      address: input.string(),
      toMember: input.bool(),
      channel: input.bool() ? 'bulk' : 'control',
    };
  });
}

export function writeMessage(out: ByteWriter, message: PeerMessage): void {
  writeFrame(out, 'peer', () => {
    out.u8(MESSAGE_CODE[message.type]);
    out.u64(message.term);
    switch (message.type) {
      case 'RequestVote':
        out.bool(message.preVote);
        out.bool(message.transfer);
        out.u64(message.lastLogIndex);
        return out.u64(message.lastLogTerm);
      case 'RequestVoteResponse':
        out.bool(message.preVote);
        return out.bool(message.voteGranted);
      case 'AppendEntries':
        out.u64(message.prevLogIndex);
        out.u64(message.prevLogTerm);
        out.u64(message.leaderCommit);
        return writeEntries(out, message.entries);
      case 'AppendEntriesResponse':
        out.bool(message.success);
        out.u64(message.matchIndex);
        out.u64(message.conflictTerm);
        return out.u64(message.conflictIndex);
      case 'Heartbeat':
        out.u64(message.commit);
        out.u64(message.commitTerm);
        return out.u64(message.readContext);
      case 'HeartbeatResponse':
        return out.u64(message.readContext);
      case 'TimeoutNow':
        return;
      case 'SnapshotOffer':
        out.u64(message.snapshot.index);
        out.u64(message.snapshot.term);
        out.bytes(encodeConfiguration(message.snapshot.configuration));
        out.u64(message.bytes);
        return out.u32(message.checksum);
      case 'SnapshotChunk':
        out.u64(message.index);
        out.u64(message.offset);
        return out.bytes(message.data);
      case 'SnapshotWanted':
        out.u64(message.index);
        out.u64(message.offset);
        return out.bool(message.again);
      default:
        return message satisfies never;
    }
  });
}

/**
 * Decodes a message on a connection that began with `hello`. The data of entries and chunks are views of `payload`.
 * Throws `ProtocolError` if the payload is not a valid message.
 */
export function decodeMessage(
  payload: Uint8Array,
  hello: Pick<Hello, 'from' | 'incarnation' | 'to'>,
): PeerMessage {
  return decodePayload('peer message', payload, (input): PeerMessage => {
    const code = input.u8();
    const { from, incarnation, to } = hello;
    const envelope = { from, incarnation, to, term: term(input.u64()) };
    switch (code) {
      case MESSAGE_CODE.RequestVote:
        return {
          type: 'RequestVote',
          ...envelope,
          preVote: input.bool(),
          transfer: input.bool(),
          lastLogIndex: logIndex(input.u64()),
          lastLogTerm: term(input.u64()),
        };
      case MESSAGE_CODE.RequestVoteResponse:
        return { type: 'RequestVoteResponse', ...envelope, preVote: input.bool(), voteGranted: input.bool() };
      case MESSAGE_CODE.AppendEntries:
        return readAppendEntries(input, envelope);
      case MESSAGE_CODE.AppendEntriesResponse:
        return {
          type: 'AppendEntriesResponse',
          ...envelope,
          success: input.bool(),
          matchIndex: logIndex(input.u64()),
          conflictTerm: term(input.u64()),
          conflictIndex: logIndex(input.u64()),
        };
      case MESSAGE_CODE.TimeoutNow:
        return { type: 'TimeoutNow', ...envelope };
      case MESSAGE_CODE.Heartbeat:
        return {
          type: 'Heartbeat',
          ...envelope,
          commit: logIndex(input.u64()),
          commitTerm: term(input.u64()),
          readContext: input.u64(),
        };
      case MESSAGE_CODE.HeartbeatResponse:
        return { type: 'HeartbeatResponse', ...envelope, readContext: input.u64() };
      case MESSAGE_CODE.SnapshotOffer:
        return {
          type: 'SnapshotOffer',
          ...envelope,
          snapshot: readSnapshotMeta(input),
          bytes: input.u64(),
          checksum: input.u32(),
        };
      case MESSAGE_CODE.SnapshotChunk:
        return {
          type: 'SnapshotChunk',
          ...envelope,
          index: logIndex(input.u64()),
          offset: input.u64(),
          data: input.bytes(),
        };
      case MESSAGE_CODE.SnapshotWanted:
        return {
          type: 'SnapshotWanted',
          ...envelope,
          index: logIndex(input.u64()),
          offset: input.u64(),
          again: input.bool(),
        };
      default:
        throw new MalformedBytes(`unknown message ${code}`);
    }
  });
}

function readSnapshotMeta(input: ByteReader): SnapshotMeta {
  const index = logIndex(input.u64());
  const ofTerm = term(input.u64());
  const configuration = decodeConfiguration(input.bytes());
  if (configuration === null)
    throw new MalformedBytes(`the snapshot up to ${index} has no valid configuration`);
  return { index, term: ofTerm, configuration };
}

function readAppendEntries(
  input: ByteReader,
  envelope: Pick<Message, 'from' | 'incarnation' | 'to' | 'term'>,
): AppendEntries {
  const prevLogIndex = logIndex(input.u64());
  const prevLogTerm = term(input.u64());
  const leaderCommit = logIndex(input.u64());
  const entries = readEntries(input);
  const first = entries[0];
  if (first !== undefined && first.index !== prevLogIndex + 1) {
    throw new MalformedBytes(`entries from ${first.index} on do not follow prevLogIndex ${prevLogIndex}`);
  }
  return { type: 'AppendEntries', ...envelope, prevLogIndex, prevLogTerm, leaderCommit, entries };
}
