import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeCommand } from '../kv/command.ts';
import { KvStore } from '../kv/store.ts';
import type { PeerMessage, SnapshotWanted } from '../protocol/snapshot-message.ts';
import { founding } from '../raft/configuration.ts';
import type { InstallSnapshot, Message } from '../raft/message.ts';
import { logIndex, nodeId, term } from '../raft/types.ts';
import { memoryDisk, MemoryStorage } from '../storage/memory.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import { SnapshotSender } from './snapshot-sender.ts';

const [n1, n2] = [nodeId('n1'), nodeId('n2')];
const identity = { node: n1, cluster: 'c', founders: [n1, n2], incarnation: 0 };
const META = { index: logIndex(9), term: term(2), configuration: founding([n1, n2]) };
const install: InstallSnapshot = {
  type: 'InstallSnapshot',
  from: n1,
  incarnation: 0,
  to: n2,
  term: term(3),
  snapshot: META,
};

/** A store with `keys` keys, each with a value of 64 KiB. 40 keys need about ten messages. */
function filledStore(keys: number): KvStore {
  const store = new KvStore();
  store.apply(1, encodeCommand({ type: 'open-session' }));
  for (let seq = 1; seq <= keys; seq++) {
    const value = String(seq).repeat(30_000);
    store.apply(1 + seq, encodeCommand({ type: 'write', session: 1, seq, key: `k${seq}`, value }));
  }
  return store;
}

const bytesOf = (store: KvStore): string => {
  const { blocks, release } = store.capture();
  const bytes = Buffer.concat([...blocks]).toString('latin1');
  release();
  return bytes;
};

/** A leader's sender, a follower's receiver, and the messages between them, under the control of the test. */
class Pair {
  nowMs = 0;
  readonly leader = new MemoryStorage(memoryDisk(), identity);
  readonly follower = new MemoryStorage(memoryDisk(), identity);
  readonly source: KvStore;
  readonly store = new KvStore();
  readonly reports: boolean[] = [];
  readonly stepped: InstallSnapshot[] = [];
  readonly warnings: string[] = [];
  wire: PeerMessage[] = [];
  sentBytes = 0;
  readonly sender: SnapshotSender;
  readonly receiver: SnapshotReceiver;

  constructor(keys: number) {
    this.source = filledStore(keys);
    const onFailure = (error: unknown): void => {
      throw error;
    };
    const send = (message: PeerMessage): void => {
      if (message.type === 'SnapshotChunk') this.sentBytes += message.data.length;
      this.wire.push(message);
    };
    this.sender = new SnapshotSender({
      snapshots: this.leader.snapshots,
      send,
      report: (_to, ok) => this.reports.push(ok),
      now: () => this.nowMs,
      wake: () => undefined,
      onFailure,
    });
    this.receiver = new SnapshotReceiver({
      snapshots: this.follower.snapshots,
      stateMachine: this.store,
      incarnation: 0,
      send,
      step: (message) => this.stepped.push(message),
      wake: () => undefined,
      log: ({ message }) => this.warnings.push(message),
      onFailure,
    });
  }

  async begin(): Promise<void> {
    await this.leader.recover();
    await this.follower.recover();
    const { blocks, release } = this.source.capture();
    await this.leader.snapshots.save({ ...META, logDigest: 5 }, blocks);
    release();
    this.sender.begin(install);
    await this.settle();
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 30; i++) await Promise.resolve();
  }

  async deliver(message: PeerMessage): Promise<void> {
    if (message.type === 'SnapshotOffer') this.receiver.offered(message);
    else if (message.type === 'SnapshotChunk') this.receiver.chunk(message);
    else if (message.type === 'SnapshotWanted') this.sender.wanted(message);
    await this.settle();
  }

  /** Delivers messages until none are under way. */
  async run(): Promise<void> {
    while (this.wire.length > 0) for (const message of this.wire.splice(0)) await this.deliver(message);
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    this.sender.tick(this.nowMs);
    await this.settle();
  }
}

const isChunk = ({ type }: PeerMessage | Message): boolean => type === 'SnapshotChunk';

describe('the transfer of a snapshot', () => {
  test('a snapshot arrives in chunks, is durable before the core knows it, and replaces the state when the core installs it', async () => {
    const pair = new Pair(40);
    await pair.begin();
    expect(pair.wire.map(({ type }) => type)).toEqual(['SnapshotOffer']);
    await pair.run();
    expect(pair.reports).toEqual([true]);
    expect(pair.stepped).toEqual([install]);
    expect((await pair.follower.snapshots.open())?.snapshot).toMatchObject(META);
    expect(bytesOf(pair.store)).not.toBe(bytesOf(pair.source));
    expect(pair.receiver.install(META)).toMatchObject({ ...META, logDigest: 5 });
    expect(bytesOf(pair.store)).toBe(bytesOf(pair.source));
  });

  test('the sender of a snapshot is never more than a window ahead of the answers', async () => {
    const pair = new Pair(40);
    await pair.begin();
    let most = 0;
    let [sent, answered] = [0, 0];
    while (pair.wire.length > 0) {
      for (const message of pair.wire.splice(0)) {
        if (message.type === 'SnapshotWanted') answered = message.offset;
        await pair.deliver(message);
        sent = pair.sentBytes;
        most = Math.max(most, sent - answered);
      }
    }
    expect(sent).toBeGreaterThan(2 << 20);
    expect(most).toBeLessThanOrEqual(1 << 20);
  });

  test('a snapshot continues where it was after a connection breaks, also under the next leader', async () => {
    const pair = new Pair(40);
    await pair.begin();
    for (let chunks = 0; chunks < 5;) {
      const message = pair.wire.shift()!;
      if (isChunk(message)) chunks++;
      await pair.deliver(message);
    }
    // The messages under way are lost.
    pair.wire = [];
    const before = pair.sentBytes;
    await pair.pass(600);
    await pair.run();
    expect(pair.reports).toEqual([true]);
    const { bytes } = (await pair.leader.snapshots.open())!.snapshot;
    const again = pair.sentBytes - before;
    expect(again).toBeLessThanOrEqual(bytes - 5 * (256 << 10));
    expect(again).toBeGreaterThan(0);
  });

  test('a snapshot is offered again at once after a reconnect, whether or not the follower had answered', async () => {
    for (const answered of [false, true]) {
      const pair = new Pair(40);
      await pair.begin();
      if (answered) await pair.deliver(pair.wire.shift()!);
      pair.wire = [];
      pair.sender.linkMade(n2);
      await pair.settle();
      expect(pair.wire.map(({ type }) => type)).toEqual(['SnapshotOffer']);
      await pair.run();
      expect(pair.reports).toEqual([true]);
    }
  });

  test('a transfer that ends while its file is read, so that the file is closed, is not a disk failure', async () => {
    const pair = new Pair(40);
    await pair.begin();
    await pair.deliver(pair.wire.shift()!);
    const wanted = pair.wire.shift() as SnapshotWanted;
    const { bytes } = (await pair.leader.snapshots.open())!.snapshot;
    pair.sender.wanted(wanted);
    pair.sender.wanted({ ...wanted, offset: bytes });
    await pair.settle();
    expect(pair.reports).toEqual([true]);
    expect(pair.wire).toEqual([]);
  });

  test('the transfer of a snapshot is given up and reported as failed if no follower receives it', async () => {
    const pair = new Pair(1);
    await pair.begin();
    for (let ms = 0; ms <= 10_000; ms += 500) {
      pair.wire = [];
      await pair.pass(500);
    }
    expect(pair.reports).toEqual([false]);
    expect(pair.stepped).toEqual([]);
  });

  test('a damaged snapshot is dropped and the offset of the damage is logged, and the core does not see it', async () => {
    const pair = new Pair(4);
    await pair.begin();
    while (pair.wire.length > 0) {
      const message = pair.wire.shift()!;
      if (message.type === 'SnapshotChunk') message.data[message.data.length >> 1]! ^= 1;
      await pair.deliver(message);
    }
    expect(pair.warnings).toEqual([expect.stringMatching(/snapshot 9 from n1 .*offset \d+: /)]);
    expect(pair.stepped).toEqual([]);
    expect(await pair.follower.snapshots.open()).toBeNull();
  });

  test('a snapshot that is not needed any more is answered at once, and nothing is sent', async () => {
    const pair = new Pair(4);
    pair.receiver.applied(logIndex(9));
    await pair.begin();
    await pair.run();
    expect(pair.reports).toEqual([true]);
    expect(pair.stepped).toEqual([install]);
    expect(pair.sentBytes).toBe(0);
  });

  test('a snapshot arrives completely after a time in which messages were lost, duplicated and reordered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(9), { minLength: 1, maxLength: 80 }), async (fates) => {
        const pair = new Pair(24);
        await pair.begin();
        for (const fate of fates) {
          const at = fate < 7 ? 0 : pair.wire.length - 1;
          const [message] = pair.wire.splice(at, 1);
          if (message === undefined) await pair.pass(300);
          else if (fate !== 0) await pair.deliver(message);
          if (message !== undefined && fate === 1) await pair.deliver(message);
        }
        for (let tries = 0; pair.reports.length === 0 && tries < 20; tries++) {
          await pair.run();
          await pair.pass(500);
        }
        expect(pair.reports).toEqual([true]);
        pair.receiver.install(META);
        expect(bytesOf(pair.store)).toBe(bytesOf(pair.source));
      }),
      { numRuns: 60 },
    );
  });
});
