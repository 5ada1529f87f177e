import { encodeCommand } from '../../node/kv/command.ts';
import type { Command } from '../../node/kv/command.ts';
import { ERRORS } from '../../node/protocol/client.ts';
import type {
  ClientOperation,
  ClientRequest,
  ClientResult,
  ErrorCode,
  StoredValue,
} from '../../node/protocol/client.ts';
import { encodeConfiguration } from '../../node/raft/configuration.ts';
import type { Configuration } from '../../node/raft/configuration.ts';
import type { PeerMessage } from '../../node/protocol/snapshot-message.ts';
import { logIndex, nodeId, term } from '../../node/raft/types.ts';
import type { Entry } from '../../node/raft/types.ts';
import type { SeededRandom } from '../../node/raft/testing/random.ts';

/* Random values of everything that nodes and clients say and store. */

const TEXTS = ['', 'k', 'key-17', 'ключ', '\u{1f980}', 'x'.repeat(300), '\uFEFF', '\0'] as const;
export const text = (random: SeededRandom): string => random.pick(TEXTS);
const nullable = (random: SeededRandom): string | null => (random.chance(0.3) ? null : text(random));
export const number = (random: SeededRandom): number =>
  random.pick([0, 1, 2, 255, 256, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER - 8]);
const id = (random: SeededRandom): ReturnType<typeof nodeId> => nodeId(`n${random.int(1, 9)}`);

const stored = (random: SeededRandom): StoredValue => ({
  present: random.chance(0.5),
  value: nullable(random),
});

export function command(random: SeededRandom): Command {
  const inSession = { session: number(random), seq: number(random), key: text(random) };
  return random.pick<Command>([
    { type: 'open-session' },
    { type: 'open-session-within', cap: random.int(1, 3) },
    { type: 'write', ...inSession, value: text(random) },
    { type: 'append', ...inSession, value: text(random) },
    { type: 'delete', ...inSession, tombstone: text(random) },
    { type: 'cas', ...inSession, from: nullable(random), to: text(random) },
    { type: 'expire-sessions', clockMs: number(random), idleMs: number(random) },
  ]);
}

export function request(random: SeededRandom): ClientRequest {
  const asked = command(random);
  const operation = random.pick<ClientOperation>([
    { type: 'read', key: text(random) },
    { type: 'transfer-leadership', target: nullable(random) },
    { type: 'status' },
    { type: 'take-snapshot' },
    {
      type: 'change-members',
      changes: [
        { type: 'add-learner', id: text(random), address: random.pick(['h:1', '[::1]:7', text(random)]) },
        { type: random.pick(['promote', 'demote', 'remove']), id: text(random) },
      ],
    },
    asked.type === 'expire-sessions' || asked.type === 'open-session-within'
      ? { type: 'open-session' }
      : asked,
  ]);
  return { ...operation, requestId: number(random) };
}

export function result(random: SeededRandom): ClientResult {
  const error = {
    type: 'error' as const,
    code: random.pick(Object.keys(ERRORS) as ErrorCode[]),
    message: text(random),
    ...(random.chance(0.5) ? { leader: text(random) } : {}),
    ...(random.chance(0.5) ? { found: stored(random) } : {}),
  };
  const other = random.pick<ClientResult>([
    { type: 'session', session: number(random) },
    { type: 'value', ...stored(random) },
    { type: 'done' },
    { type: 'status', status: text(random) },
    {
      type: 'snapshot',
      index: number(random),
      term: number(random),
      bytes: number(random),
      logDigest: random.int(0, 2 ** 31),
      stateDigest: random.int(0, 2 ** 31),
    },
  ]);
  return random.chance(0.5) ? error : other;
}

export function configuration(random: SeededRandom): Configuration {
  const ids = ['n1', 'n2', 'n3', 'n4', 'n5'].map(nodeId);
  const some = (): typeof ids => ids.filter(() => random.chance(0.5));
  return {
    voters: some(),
    outgoing: some(),
    learners: some(),
    learnersNext: some(),
    addresses: random.chance(0.5) ? {} : { n1: '127.0.0.1:7001' },
    incarnations: random.chance(0.5) ? {} : { n2: 77 },
  };
}

export function entries(random: SeededRandom, after: number = random.int(0, 5)): Entry[] {
  let ofTerm = random.int(1, 3);
  return Array.from({ length: random.int(0, 4) }, (_, at) => {
    const kind = random.pick(['noop', 'command', 'config'] as const);
    ofTerm += random.int(0, 1);
    const data =
      kind === 'config'
        ? encodeConfiguration(configuration(random))
        : kind === 'command'
          ? encodeCommand(command(random))
          : new Uint8Array(0);
    return { index: logIndex(after + 1 + at), term: term(ofTerm), kind, data };
  });
}

export const peers = { from: nodeId('n1'), incarnation: 7, to: nodeId('n2') } as const;

export function message(random: SeededRandom): PeerMessage {
  const index = (): ReturnType<typeof logIndex> => logIndex(number(random));
  const head = { ...peers, term: term(number(random)) };
  const prev = random.int(0, 9);
  return random.pick<PeerMessage>([
    {
      type: 'RequestVote',
      ...head,
      preVote: random.chance(0.5),
      transfer: random.chance(0.5),
      lastLogIndex: index(),
      lastLogTerm: term(number(random)),
    },
    { type: 'RequestVoteResponse', ...head, preVote: random.chance(0.5), voteGranted: random.chance(0.5) },
    {
      type: 'AppendEntries',
      ...head,
      prevLogIndex: logIndex(prev),
      prevLogTerm: term(number(random)),
      leaderCommit: index(),
      entries: entries(random, prev),
    },
    {
      type: 'AppendEntriesResponse',
      ...head,
      success: random.chance(0.5),
      matchIndex: index(),
      conflictTerm: term(number(random)),
      conflictIndex: index(),
    },
    {
      type: 'Heartbeat',
      ...head,
      commit: index(),
      commitTerm: term(number(random)),
      readContext: number(random),
    },
    { type: 'HeartbeatResponse', ...head, readContext: number(random) },
    { type: 'TimeoutNow', ...head },
    {
      type: 'SnapshotOffer',
      ...head,
      snapshot: { index: index(), term: term(number(random)), configuration: configuration(random) },
      bytes: number(random),
      checksum: random.int(0, 2 ** 31),
    },
    {
      type: 'SnapshotChunk',
      ...head,
      index: index(),
      offset: number(random),
      data: Buffer.alloc(random.int(0, 40), 'x'),
    },
    {
      type: 'SnapshotWanted',
      ...head,
      index: index(),
      offset: number(random),
      again: random.pick([true, false]),
    },
  ]);
}

export { id as anyId };
