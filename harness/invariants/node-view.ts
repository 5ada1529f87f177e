import type { TraceEvent } from '../trace.ts';
import { LogMirror } from './log-mirror.ts';
import type { NodeView } from './property.ts';

/** The state of a node before its first line. */
export const newView = (id: string): NodeView => ({
  id,
  term: 0,
  leading: false,
  log: new LogMirror(),
  logComplete: true,
  commit: 0,
  applied: 0,
});

/**
 * Handles steps of the node that may be missing. Indexes that it has applied stay applied, because its process is the
 * same. Its log, role, term and commit index may have changed, so they are unknown.
 */
export function forget(view: NodeView): void {
  Object.assign(view, { term: null, leading: false, log: new LogMirror(), logComplete: false, commit: null });
}

/** Updates the view with a line. A term, commit index or log that the line contains in full is known from then on. */
export function takeIn(view: NodeView, trace: TraceEvent): void {
  switch (trace.type) {
    case 'BecomeFollower':
    case 'BecomePreCandidate':
    case 'BecomeCandidate':
    case 'BecomeLeader':
      view.leading = trace.type === 'BecomeLeader';
      view.term = Math.max(view.term ?? 0, trace.term);
      break;
    case 'GrantVote':
      view.term = Math.max(view.term ?? 0, trace.term);
      break;
    case 'Replicate':
      if (trace.truncated) view.log.truncateFrom(trace.first);
      putAll(view.log, trace);
      break;
    case 'Commit':
      view.commit = Math.max(view.commit ?? 0, trace.index);
      break;
    case 'Apply':
      view.applied = Math.max(view.applied, trace.index);
      break;
    case 'InstallSnapshot':
      view.log = new LogMirror(trace.index + 1);
      view.logComplete = true;
      // If the commit index is unknown, a missing step may have had a higher one, so it stays unknown.
      if (view.commit !== null) view.commit = Math.max(view.commit, trace.index);
      view.applied = Math.max(view.applied, trace.index);
      break;
    case 'TakeSnapshot':
    case 'ChangeConf':
    case 'ApplyConfChange':
      break;
    case 'Recover':
      view.log = new LogMirror(trace.first);
      putAll(view.log, trace);
      Object.assign(view, {
        term: trace.term,
        leading: false,
        logComplete: true,
        commit: trace.snapshot?.index ?? 0,
        applied: trace.snapshot?.index ?? 0,
      });
      break;
    default:
      trace satisfies never;
  }
}

function putAll(
  log: LogMirror,
  { first, terms, digests }: Pick<TraceEvent & { type: 'Replicate' }, 'first' | 'terms' | 'digests'>,
): void {
  for (const [i, term] of terms.entries()) log.put(first + i, term, digests[i]!);
}
