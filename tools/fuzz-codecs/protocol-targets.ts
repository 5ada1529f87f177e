import { ByteReader, ByteWriter, MalformedBytes } from '../../node/kv/bytes.ts';
import { decodeCommand, encodeCommand } from '../../node/kv/command.ts';
import {
  decodeRequest,
  decodeResponse,
  plainWriteId,
  requestIdOf,
  requestProblem,
  writeRequest,
  writeResponse,
} from '../../node/protocol/client-codec.ts';
import { readEntries, writeEntries } from '../../node/protocol/entry-codec.ts';
import { FRAME_HEADER_BYTES, FrameReader, ProtocolError } from '../../node/protocol/frame.ts';
import { decodeHello, decodeMessage, writeHello, writeMessage } from '../../node/protocol/peer-codec.ts';
import { decodeConfiguration, encodeConfiguration } from '../../node/raft/configuration.ts';
import type { SeededRandom } from '../../node/raft/testing/random.ts';
import * as sample from './samples.ts';
import { expectEqual, Finding } from './target.ts';
import type { Target } from './target.ts';

/** Returns the payload that `write` puts into one frame. */
function payloadOf(write: (out: ByteWriter) => void): Buffer {
  const out = new ByteWriter(1_024);
  write(out);
  return out.take().subarray(FRAME_HEADER_BYTES);
}

/** Throws unless encoding a decoded value again gives the bytes it was decoded from. */
function expectSameBytes(what: string, bytes: Buffer, again: Uint8Array): void {
  if (!bytes.equals(again))
    throw new Finding(
      `${what}: decoded from ${bytes.toString('hex')}, but encodes to ${Buffer.from(again).toString('hex')}`,
    );
}

const frames: Target = {
  name: 'frames',
  refuses: [ProtocolError],
  sample: (random) => {
    const out = new ByteWriter(1_024);
    for (let left = random.int(1, 4); left > 0; left--) writeRequest(out, sample.request(random));
    return out.take();
  },
  run: (bytes, random) => {
    const whole = cut(bytes, () => bytes.length);
    const inPieces = cut(bytes, () => random.int(1, 12));
    expectEqual('frames of the same bytes in pieces', inPieces, whole);
    if (whole.error !== null) throw new ProtocolError(whole.error);
  },
};

/** Reads a stream that arrives in pieces: its payloads, and the error it ends with, if any. */
function cut(bytes: Buffer, pieceBytes: () => number): { payloads: string[]; error: string | null } {
  const reader = new FrameReader('client-request', 1 << 20);
  const payloads: string[] = [];
  let error: string | null = null;
  for (let at = 0; at < bytes.length && error === null;) {
    const to = Math.min(bytes.length, at + pieceBytes());
    try {
      for (const payload of reader.push(bytes.subarray(at, to)))
        payloads.push(Buffer.from(payload).toString('hex'));
    } catch (caught) {
      if (!(caught instanceof ProtocolError)) throw caught;
      error = caught.message;
      // The payloads before an error may depend on the pieces, so they are not compared.
      payloads.length = 0;
    }
    at = to;
  }
  return { payloads, error };
}

const requests: Target = {
  name: 'requests',
  refuses: [ProtocolError],
  sample: (random) => payloadOf((out) => writeRequest(out, sample.request(random))),
  run: (bytes) => {
    const id = requestIdOf(bytes);
    const plain = plainWriteId(bytes);
    const request = decodeRequest(bytes);
    expectEqual('the id alone', id, request.requestId);
    if (plain !== null) expectEqual('the id of a plain write', plain, request.requestId);
    requestProblem(request);
    expectSameBytes(
      'a request',
      bytes,
      payloadOf((out) => writeRequest(out, request)),
    );
  },
};

const responses: Target = {
  name: 'responses',
  refuses: [ProtocolError],
  sample: (random) => payloadOf((out) => writeResponse(out, sample.number(random), sample.result(random))),
  run: (bytes) => {
    const { requestId, ...result } = decodeResponse(bytes);
    expectSameBytes(
      'a response',
      bytes,
      payloadOf((out) => writeResponse(out, requestId, result)),
    );
  },
};

const hellos: Target = {
  name: 'hellos',
  refuses: [ProtocolError],
  sample: (random) =>
    payloadOf((out) =>
      writeHello(out, {
        cluster: sample.text(random),
        ...sample.peers,
        promiseMs: random.pick([0, 300]),
        address: sample.text(random),
        toMember: random.pick([true, false]),
        channel: random.pick(['control', 'bulk']),
      }),
    ),
  run: (bytes) => {
    const hello = decodeHello(bytes);
    expectSameBytes(
      'a hello',
      bytes,
      payloadOf((out) => writeHello(out, hello)),
    );
  },
};

const messages: Target = {
  name: 'messages',
  refuses: [ProtocolError],
  sample: (random) => payloadOf((out) => writeMessage(out, sample.message(random))),
  run: (bytes) => {
    const message = decodeMessage(bytes, sample.peers);
    const again = payloadOf((out) => writeMessage(out, message));
    // A configuration is JSON, which has many encodings of one value.
    if (message.type === 'SnapshotOffer') expectEqual('again', decodeMessage(again, sample.peers), message);
    else expectSameBytes('a message', bytes, again);
  },
};

const logEntries: Target = {
  name: 'entries',
  refuses: [MalformedBytes],
  sample: (random) => encodedEntries(sample.entries(random)),
  run: (bytes) => {
    const input = new ByteReader(bytes);
    const entries = readEntries(input);
    input.end();
    expectSameBytes('entries', bytes, encodedEntries(entries));
  },
};

function encodedEntries(entries: Parameters<typeof writeEntries>[1]): Buffer {
  const out = new ByteWriter(1_024);
  writeEntries(out, entries);
  return out.take();
}

const commands: Target = {
  name: 'commands',
  refuses: [MalformedBytes],
  sample: (random) => Buffer.from(encodeCommand(sample.command(random))),
  run: (bytes) => expectSameBytes('a command', bytes, encodeCommand(decodeCommand(bytes))),
};

const configurations: Target = {
  name: 'configurations',
  refuses: [],
  sample: (random: SeededRandom) => Buffer.from(encodeConfiguration(sample.configuration(random))),
  run: (bytes) => {
    const configuration = decodeConfiguration(bytes);
    if (configuration === null) return;
    expectEqual('again', decodeConfiguration(encodeConfiguration(configuration)), configuration);
  },
};

export const PROTOCOL_TARGETS: readonly Target[] = [
  frames,
  requests,
  responses,
  hellos,
  messages,
  logEntries,
  commands,
  configurations,
];
