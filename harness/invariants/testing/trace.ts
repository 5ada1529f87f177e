import type { SnapshotPoint, TraceEvent } from '../../trace.ts';

/** Short forms of trace lines for tests: a log is a list of [term, digest], from index `first` on. */
export type Sketch = readonly (readonly [term: number, digest: number])[];

const columns = (first: number, log: Sketch): { first: number; terms: number[]; digests: number[] } => ({
  first,
  terms: log.map(([term]) => term),
  digests: log.map(([, digest]) => digest),
});

export const became = (role: 'Follower' | 'Candidate' | 'Leader', term: number): TraceEvent => ({
  type: `Become${role}`,
  term,
  leader: null,
  reason: 'a test',
});
export const voted = (term: number, candidate: string): TraceEvent => ({
  type: 'GrantVote',
  term,
  candidate,
});
export const replicated = (first: number, log: Sketch, truncated = false): TraceEvent => ({
  type: 'Replicate',
  ...columns(first, log),
  truncated,
});
export const committed = (index: number, term: number): TraceEvent => ({
  type: 'Commit',
  index,
  term,
});
export const applied = (index: number, digest: number): TraceEvent => ({
  type: 'Apply',
  index,
  digest,
});
/** A snapshot of the log up to `index`; by default equal logs have equal states. */
export const snapshot = (
  index: number,
  term: number,
  digest: number,
  state: number = digest ^ 0x5a5a,
): SnapshotPoint => ({ index, term, digest, state });
export const took = (point: SnapshotPoint): TraceEvent => ({ type: 'TakeSnapshot', ...point });
export const installed = (point: SnapshotPoint): TraceEvent => ({ type: 'InstallSnapshot', ...point });
export const recovered = (
  term: number,
  votedFor: string | null,
  log: Sketch = [],
  point: SnapshotPoint | null = null,
): TraceEvent => ({
  type: 'Recover',
  term,
  votedFor,
  snapshot: point,
  ...columns((point?.index ?? 0) + 1, log),
});
