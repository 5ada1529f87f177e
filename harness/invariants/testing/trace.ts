import type { LogIndex, NodeId, SnapshotPoint, Term, TraceReport } from '../../../node/protocol/report.ts';

/** Trace lines in short, for tests: a log is a list of [term, digest], from index `first` on. */
export type Sketch = readonly (readonly [term: number, digest: number])[];

const columns = (first: number, log: Sketch): { first: LogIndex; terms: Term[]; digests: number[] } => ({
  first: first as LogIndex,
  terms: log.map(([term]) => term as Term),
  digests: log.map(([, digest]) => digest),
});

export const became = (role: 'Follower' | 'Candidate' | 'Leader', term: number): TraceReport => ({
  type: `Become${role}`,
  term: term as Term,
  leader: null,
  reason: 'a test',
});
export const voted = (term: number, candidate: string): TraceReport => ({
  type: 'GrantVote',
  term: term as Term,
  candidate: candidate as NodeId,
});
export const replicated = (first: number, log: Sketch, truncated = false): TraceReport => ({
  type: 'Replicate',
  ...columns(first, log),
  truncated,
});
export const committed = (index: number, term: number): TraceReport => ({
  type: 'Commit',
  index: index as LogIndex,
  term: term as Term,
});
export const applied = (index: number, digest: number): TraceReport => ({
  type: 'Apply',
  index: index as LogIndex,
  digest,
});
/** A snapshot of the log up to `index`; by default equal logs have equal states. */
export const snapshot = (
  index: number,
  term: number,
  digest: number,
  state: number = digest ^ 0x5a5a,
): SnapshotPoint => ({ index: index as LogIndex, term: term as Term, digest, state });
export const took = (point: SnapshotPoint): TraceReport => ({ type: 'TakeSnapshot', ...point });
export const installed = (point: SnapshotPoint): TraceReport => ({ type: 'InstallSnapshot', ...point });
export const recovered = (
  term: number,
  votedFor: string | null,
  log: Sketch = [],
  point: SnapshotPoint | null = null,
): TraceReport => ({
  type: 'Recover',
  term: term as Term,
  votedFor: votedFor as NodeId | null,
  snapshot: point,
  ...columns((point?.index ?? 0) + 1, log),
});
