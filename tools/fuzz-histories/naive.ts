import { isLinearizableByDefinition } from '../../harness/checker/testing/brute-force.ts';
import type { Op } from '../../harness/history/op.ts';
import type { Event } from '../../test/support/write-history.ts';

/** Information that a format gives in addition to the events themselves. */
export interface Knowledge {
  /** True if every line has its index, so that doubled lines and lines out of order are detected. */
  readonly indexed: boolean;
  /** True if every line has the id of its operation. Otherwise only the process links completion and invocation. */
  readonly ids: boolean;
  readonly casFail: 'as told' | 'mismatch' | 'nothing';
}

/**
 * Returns the verdict of a correct reader and a correct checker for these events. It uses the rules of a history and
 * the definition of linearizability directly, and shares no code with the reader or the checker. For small histories.
 */
export function expectedVerdict(
  events: readonly Event[],
  knowledge: Knowledge,
): 'linearizable' | 'violation' | 'error' {
  const ops = pairedBy(events, knowledge);
  if (ops === null) return 'error';
  const keys = new Set(ops.map((op) => op.key));
  const isLinearizable = (key: string): boolean =>
    isLinearizableByDefinition(ops.filter((op) => op.key === key).map((op) => revealed(op, knowledge)));
  return [...keys].every(isLinearizable) ? 'linearizable' : 'violation';
}

/** Pairs invocations with completions. Null: the events are not a valid history. */
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
    const hasKey = type === 'ok' || ids;
    if (hasKey && running.key !== op.key) return null;
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

/** Returns the operation with only what its completion reveals in this format. */
function revealed({ output, error, ...op }: Op, { casFail }: Knowledge): Op {
  if (op.f === 'read') return op.outcome === 'ok' ? { ...op, output: output ?? null } : op;
  if (op.f !== 'cas' || op.outcome !== 'fail' || casFail === 'nothing') return op;
  if (casFail === 'mismatch') return { ...op, error: 'cas-mismatch' };
  return {
    ...op,
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
  };
}
