import fc from 'fast-check';
import { ByteWriter } from '../../kv/bytes.ts';
import { founding } from '../../raft/configuration.ts';
import { logIndex, nodeId, term } from '../../raft/types.ts';
import type { Entry } from '../../raft/types.ts';
import type {
  Identity,
  LogWrite,
  Recovered,
  SnapshotHeader,
  Storage,
  StoredSnapshot,
} from '../../replica/ports.ts';
import { emptyLog, replay } from '../replay.ts';
import { encodeRecord } from '../segment.ts';
import type { RecordPlace } from '../segment.ts';

/** Short forms of log steps, and of the storage's results as text, for tests. */

const founders = ['n1', 'n2', 'n3'].map(nodeId);
export const IDENTITY: Identity = { node: nodeId('n1'), cluster: 'n1,n2,n3', founders, incarnation: 0 };

export const entry = (index: number, inTerm: number, text = `${index}@${inTerm}`): Entry => ({
  index: logIndex(index),
  term: term(inTerm),
  kind: text === '' ? 'noop' : 'command',
  data: Buffer.from(text),
});

export const step = (hardState: [number, string | null] | null, ...entries: Entry[]): LogWrite => ({
  hardState: hardState && {
    term: term(hardState[0]),
    votedFor: hardState[1] === null ? null : nodeId(hardState[1]),
  },
  snapshot: null,
  entries,
});

export const header = (index: number, inTerm: number): SnapshotHeader => ({
  index: logIndex(index),
  term: term(inTerm),
  configuration: founding(founders),
  logDigest: index * 7,
});

/** Blocks of the state at `index`. One of them is larger than a read. */
export const blocksAt = (index: number): Buffer[] =>
  [1, 300, 40].map((size, at) => Buffer.alloc(size, `${index}/${at} `));

/** Bytes of a record in a segment. */
export const recordBytes = (place: RecordPlace, batch: readonly LogWrite[]): Buffer =>
  Buffer.concat(encodeRecord(new ByteWriter(), place, batch));

/** The recovered state as text, so that a Buffer and a view with the same bytes are equal. */
export const shown = ({ hardState, entries }: Pick<Recovered, 'hardState' | 'entries'>): string =>
  JSON.stringify([
    hardState.term,
    hardState.votedFor,
    entries.map((e) => [e.index, e.term, e.kind, Buffer.from(e.data).toString('hex')]),
  ]);

/** The log after `steps`, according to the model. */
export const replayed = (steps: readonly LogWrite[]): string => {
  const log = emptyLog(0);
  const problem = replay(log, steps);
  if (problem !== null) throw new Error(problem);
  return shown(log);
};

export async function recovered(storage: Storage): Promise<string> {
  try {
    return shown(await storage.recover());
  } finally {
    await storage.close();
  }
}

/** The newest snapshot's state, as text. */
export async function loaded(storage: Storage): Promise<{ stored: StoredSnapshot; state: string }> {
  const pieces: Uint8Array[] = [];
  const stored = await storage.snapshots.load((block) => pieces.push(Buffer.from(block)));
  return { stored, state: Buffer.concat(pieces).toString() };
}

const plannedStep = fc.record({
  term: fc.nat({ max: 2 }),
  vote: fc.boolean(),
  back: fc.nat({ max: 2 }),
  sizes: fc.array(fc.nat({ max: 60 }), { maxLength: 3 }),
});
/** Batches that a node could write: terms rise, and entries follow the existing ones or replace them. */
export const batches: fc.Arbitrary<LogWrite[][]> = fc
  .array(fc.array(plannedStep, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 })
  .map((plan) => {
    let now = 1;
    let first = true;
    const terms: number[] = [];
    return plan.map((batch) =>
      batch.map(({ term: risen, vote, back, sizes }) => {
        now += risen;
        if (sizes.length > 0) terms.length = Math.max(0, terms.length - back);
        const entries = sizes.map((size) => {
          terms.push(now);
          return entry(terms.length, now, 'x'.repeat(size));
        });
        const changed = risen > 0 || vote || first;
        first = false;
        return step(changed ? [now, vote ? 'n2' : null] : null, ...entries);
      }),
    );
  });
