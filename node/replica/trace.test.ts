import { expect, test } from 'vitest';
import type { Entry, LogIndex, NodeId, Term } from '../raft/types.ts';
import type { Recovered, StoredSnapshot } from './ports.ts';
import { Trace, type ReportLine } from './trace.ts';

const NOTHING: Recovered = {
  identity: { node: 'n1' as NodeId, cluster: 'c', founders: ['n1' as NodeId], incarnation: 0 },
  hardState: { term: 1 as Term, votedFor: null },
  snapshot: null,
  entries: [],
  tornBytes: 0,
};

const entry = (index: number): Entry => ({
  index: index as LogIndex,
  term: 1 as Term,
  kind: 'command',
  data: Uint8Array.of(index),
});

const snapshotAt = (index: number): StoredSnapshot => ({
  index: index as LogIndex,
  term: 1 as Term,
  configuration: {
    voters: [],
    outgoing: [],
    learners: [],
    learnersNext: [],
    addresses: {},
    incarnations: {},
  },
  logDigest: 1_000 + index,
  bytes: 0,
  checksum: 0,
  stateDigest: 0,
});

function traced(): { readonly trace: Trace; readonly lines: ReportLine[] } {
  const lines: ReportLine[] = [];
  const reports = { report: (line: ReportLine) => void lines.push(line), flush: () => {} };
  return { trace: new Trace(reports, NOTHING, { snapshot: null, rssBytes: () => 0 }), lines };
}

test('an applied entry keeps its digest through a compaction until it is reported, which waits for the disk', () => {
  const { trace, lines } = traced();
  trace.events([{ type: 'Replicate', entries: [entry(1), entry(2), entry(3)], truncatedFrom: null }]);
  const digest = trace.digestAt(2 as LogIndex);
  trace.applied(1 as LogIndex);
  trace.compacted(3 as LogIndex);
  trace.applied(2 as LogIndex);
  expect(lines.at(-1)).toEqual({ type: 'Apply', index: 2, digest });
});

test('snapshots that are installed one after the other, before the first is on the disk, are all reported', () => {
  const { trace, lines } = traced();
  for (const index of [5, 9]) trace.installing(snapshotAt(index));
  expect(trace.digestAt(9 as LogIndex)).toBe(1_009);
  for (const index of [5, 9]) trace.events([{ type: 'InstallSnapshot', snapshot: snapshotAt(index) }]);
  const installed = lines.filter((line) => line.type === 'InstallSnapshot');
  expect(installed.map(({ index, digest }) => [index, digest])).toEqual([
    [5, 1_005],
    [9, 1_009],
  ]);
});
