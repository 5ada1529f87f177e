import { isLinearizableByDefinition } from '../../harness/checker/testing/brute-force.ts';
import type { Op } from '../../harness/history/op.ts';
import type { Event } from '../../test/support/write-history.ts';

/** What a format lets a reader know beside the events themselves. */
export interface Knowledge {
  /** Every line carries its place: doubled lines and lines out of order are seen. */
  readonly indexed: boolean;
  /** Every line carries its operation's id; else the process alone tells which completion is whose. */
  readonly ids: boolean;
  readonly casFail: 'as told' | 'mismatch' | 'nothing';
}

/**
 * What a right reader and a right checker say of these events, whatever was done to them: by the rules of a history
 * and the definition of linearizability, with nothing shared with either. For small histories.
 */
export function expectedVerdict(
  events: readonly Event[],
  knowledge: Knowledge,
): 'linearizable' | 'violation' | 'error' {
  const ops = pairedBy(events, knowledge);
  if (ops === null) return 'error';
  const keys = new Set(ops.map((op) => op.key));
  const isLinearizable = (key: string): boolean =>
    isLinearizableByDefinition(ops.filter((op) => op.key === key).map((op) => judged(op, knowledge)));
  return [...keys].every(isLinearizable) ? 'linearizable' : 'violation';
}

/** Null: no history. */
function pairedBy(events: readonly Event[], { indexed, ids }: Knowledge): readonly Op[] | null {
  const open = new Map<number, Op>();
  const retired = new Set<number>();
  const invoked = new Set<number>();
  const done: Op[] = [];
  let lastIndex = -1;
  for (const [at, { op, type, index }] of events.entries()) {
    if (indexed && index <= lastIndex) return null;
    lastIndex = index;
    const running = open.get(op.process);
    if (type === 'invoke') {
      if (running !== undefined || retired.has(op.process) || (ids && invoked.has(op.id))) return null;
      invoked.add(op.id);
      open.set(op.process, { ...op, call: at, return: Infinity, outcome: 'info' });
      continue;
    }
    if (running === undefined || running.f !== op.f || (ids && running.id !== op.id)) return null;
    const told = type === 'ok' || ids;
    if (told && running.key !== op.key) return null;
    open.delete(op.process);
    if (type === 'info') retired.add(op.process);
    const input = type === 'ok' ? op.input : running.input;
    done.push({
      ...op,
      key: running.key,
      input,
      call: running.call,
      return: type === 'info' ? Infinity : at,
      outcome: type,
    });
  }
  return [...done, ...open.values()];
}

/** The operation with what its completion says and no more. */
function judged({ output, error, ...op }: Op, { casFail }: Knowledge): Op {
  if (op.f === 'read') return op.outcome === 'ok' ? { ...op, output: output ?? null } : op;
  if (op.f !== 'cas' || op.outcome !== 'fail' || casFail === 'nothing') return op;
  if (casFail === 'mismatch') return { ...op, error: 'cas-mismatch' };
  return {
    ...op,
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
  };
}
