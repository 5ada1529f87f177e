import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LogWrite, SnapshotHeader } from '../replica/ports.ts';
import { logIndex } from '../raft/types.ts';
import { seededRandom } from '../server/random.ts';
import { CrashDisk } from './testing/crash-disk.ts';
import { blocksAt, entry, header, IDENTITY, loaded, shown, step } from './testing/steps.ts';
import { Wal } from './wal.ts';

/** Actions of a node on its storage. Numbers are drawn at random, and adapted to what is allowed at that point. */
const action = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('write'), a: fc.nat(2), b: fc.nat(3), c: fc.nat(40) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('snapshot'), a: fc.nat(5), b: fc.nat(1), c: fc.nat(30) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('receive'), a: fc.nat(6), b: fc.nat(1), c: fc.nat(90) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('reopen'), a: fc.nat(0), b: fc.nat(0), c: fc.nat(0) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('roll'), a: fc.nat(0), b: fc.nat(0), c: fc.nat(30) }),
  },
);
type Action = { do: string; a: number; b: number; c: number };
const plan = fc.array(action, { minLength: 3, maxLength: 14 });

/** A simple model of a disk: the content that a start must find. */
interface Model {
  readonly term: number;
  readonly vote: string | null;
  /** Terms and sizes of the log's entries, by index. */
  readonly log: ReadonlyMap<number, readonly [term: number, size: number]>;
  readonly last: number;
  /** The newest snapshot's last index and term; 0: none. */
  readonly snapshot: readonly [index: number, term: number];
}

const NOTHING: Model = { term: 0, vote: null, log: new Map(), last: 0, snapshot: [0, 0] };

/** The content that a start must find, as text, with the blocks of the state. */
function expected({ term, vote, log, last, snapshot: [index, snapshotTerm] }: Model): string {
  const connected = index === 0 || log.get(index)?.[0] === snapshotTerm;
  const behind = [...log].filter(([at]) => connected && at > index && at <= last).sort(([a], [b]) => a - b);
  const hardState = snapshotTerm > term ? step([snapshotTerm, null]) : step([term, vote]);
  const entries = behind.map(([at, [inTerm, size]]) => entry(at, inTerm, 'x'.repeat(size)));
  const state = index === 0 ? '' : Buffer.concat(blocksAt(index)).toString();
  return `${shown({ hardState: hardState.hardState!, entries })} behind ${index} of ${snapshotTerm}: ${state}`;
}

/** The log with which a node continues. If it does not belong to the snapshot, the snapshot replaces it. */
function started(model: Model): Model {
  const { log, snapshot } = model;
  const [index, inTerm] = snapshot;
  const risen = inTerm > model.term ? { ...model, term: inTerm, vote: null } : model;
  if (index === 0 || log.get(index)?.[0] === inTerm) return risen;
  return { ...risen, log: new Map([[index, [inTerm, 0]]]), last: index };
}

async function found(wal: Wal): Promise<string> {
  const recovered = await wal.recover();
  if (recovered.snapshot === null) return `${shown(recovered)} behind 0 of 0: `;
  const { stored, state } = await loaded(wal);
  expect(stored).toMatchObject(recovered.snapshot as unknown as Record<string, unknown>);
  return `${shown(recovered)} behind ${stored.index} of ${stored.term}: ${state}`;
}

const open = (files: CrashDisk): Wal =>
  new Wal({ folder: '/data', identity: IDENTITY, segmentBytes: 160, aheadBytes: 48, files });

/** Starts a node. Returns the models of `allowed` that fit its content; there must be at least one. */
async function start(wal: Wal, allowed: readonly Model[]): Promise<Model[]> {
  const start = await found(wal);
  const fitting = allowed.filter((model) => expected(model) === start);
  expect([start, fitting.length > 0]).toEqual([start, true]);
  return fitting.map(started);
}

/** Runs a node from its start, which must find one of `allowed`, until the end of `actions` or a power failure. */
async function live(files: CrashDisk, allowed: readonly Model[], actions: Action[]): Promise<Model[]> {
  let wal = open(files);
  let states: Model[] = [...allowed];
  try {
    states = await start(wal, allowed);
    while (actions.length > 0) {
      const next = actions.shift()!;
      // Models with the same content also behave the same, so the first one is as good as any other.
      const before = states[0]!;
      if (next.do === 'reopen') {
        await wal.close();
        wal = open(files);
        await start(wal, [before]);
      } else {
        states = [before];
        for await (const after of act(wal, before, next)) states.push(after);
        states = [states.at(-1)!];
      }
    }
    await wal.close();
  } catch (error) {
    if (!files.down) throw error;
    await wal.close();
  }
  return states;
}

/** Carries out an action. Yields, before each step that may be torn, the content of the disk after that step. */
async function* act(wal: Wal, before: Model, { do: what, a, b, c }: Action): AsyncGenerator<Model> {
  if (what === 'write') {
    const from = Math.max(before.snapshot[0], before.last - b) + 1;
    const term = before.term + a;
    const log = new Map([...before.log].filter(([at]) => at < from));
    const entries = Array.from({ length: b }, (_, i) => {
      log.set(from + i, [term, c]);
      return entry(from + i, term, 'x'.repeat(c));
    });
    const vote = a > 0 ? 'n2' : before.vote;
    const last = b === 0 ? before.last : from + b - 1;
    yield { ...before, term, vote, log: b === 0 ? before.log : log, last };
    await wal.write([step(a > 0 ? [term, vote] : null), step(null, ...entries)]);
  } else if (what === 'roll') {
    // This may happen at any time of a write, also while a segment begins.
    yield before;
    const writing = wal.write([step(null)]);
    for (let turns = 0; turns < c; turns++) await Promise.resolve();
    wal.roll();
    await writing;
  } else if (what === 'snapshot') {
    const index = Math.min(before.last, before.snapshot[0] + a);
    const inTerm = before.log.get(index)?.[0];
    if (index <= before.snapshot[0] || inTerm === undefined) return;
    yield { ...before, snapshot: [index, inTerm] };
    await wal.snapshots.save(header(index, inTerm), blocksAt(index));
    // The log is written at the same time, and may begin a segment.
    const writing = wal.write([step(null)]);
    for (let turns = 0; turns < c; turns++) await Promise.resolve();
    wal.compact(logIndex(index));
    await writing;
  } else {
    yield* receive(wal, before, { do: what, a, b, c });
  }
}

/** Receives a leader's snapshot, which then replaces the log. */
async function* receive(wal: Wal, before: Model, { a, b, c }: Action): AsyncGenerator<Model> {
  const index = before.last + a + 1;
  const meta: SnapshotHeader = header(index, before.term + b);
  const received: Model = { ...before, snapshot: [index, meta.term] };
  yield received;
  const sink = await wal.snapshots.receive();
  const bytes = await bytesOf(meta);
  for (let at = 0; at < bytes.length; at += c + 10) await sink.write(bytes.subarray(at, at + c + 10));
  await sink.finish();
  const replaced: LogWrite = { ...step([meta.term, null]), snapshot: meta };
  const base = new Map([[index, [meta.term, 0] as const]]);
  yield { term: meta.term, vote: null, log: base, last: index, snapshot: [index, meta.term] };
  await wal.write([replaced]);
  wal.compact(meta.index);
}

async function bytesOf(meta: SnapshotHeader): Promise<Uint8Array> {
  const wal = open(new CrashDisk(() => 0));
  await wal.recover();
  const { bytes } = await wal.snapshots.save(meta, blocksAt(meta.index));
  const source = await wal.snapshots.open();
  return source!.read(0, bytes);
}

test('all acknowledged data survives repeated crashes at any disk operation', async () => {
  await fc.assert(
    fc.asyncProperty(
      plan,
      fc.nat(),
      fc.array(fc.nat(25), { maxLength: 4 }),
      async (actions, seed, crashes) => {
        const files = new CrashDisk(seededRandom(seed));
        const left = [...actions];
        let states: Model[] = [NOTHING];
        for (const changes of crashes) {
          files.crashAfter(changes);
          states = await live(files, states, left);
          files.restart();
        }
        states = await live(files, states, left);
        expect(files.names().filter((name) => name.endsWith('.snap')).length).toBeLessThanOrEqual(2);
        await live(files, states, []);
      },
    ),
    { numRuns: 400 },
  );
});

test('the hard state is never in a segment that is removed while the next one begins', async () => {
  let seed = 0;
  for (let turns = 0; turns < 20; turns++) {
    for (let changes = 0; changes < 40; changes++, seed++) {
      const files = new CrashDisk(seededRandom(seed));
      const wal = open(files);
      await wal.recover();
      await wal.write([step([3, 'n2'], entry(1, 3, 'x'.repeat(160)))]);
      await wal.snapshots.save(header(1, 3), blocksAt(1));
      files.crashAfter(changes % 10);
      const writing = wal.write([step(null, entry(2, 3))]).catch(() => undefined);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      wal.compact(logIndex(1));
      await writing;
      await wal.close();
      files.restart();
      const again = open(files);
      expect((await again.recover()).hardState).toEqual({ term: 3, votedFor: 'n2' });
      await again.close();
    }
  }
});
