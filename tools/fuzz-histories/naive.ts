import { isLinearizableByDefinition } from '../../harness/checker/testing/brute-force.ts';
import type { Op } from '../../harness/history/op.ts';
import type { Event } from '../../test/support/write-history.ts';

/** Information that a format gives in addition to the events themselves. */
export interface Knowledge {
  /** True if every line has its index, so that doubled lines and lines out of order are detected. */
  readonly indexed: boolean;
  /** True if every line has the id of its operation. Otherwise only the process links completion and invocation. */
  readonly ids: boolean;
  /** True if a failed CAS says what it found, and not only that the value was another one. */
  readonly found: boolean;
  /** True for processes that have a name instead of a number. */
  readonly isNamed?: (process: number) => boolean;
}

/**
 * Returns the verdict of a correct reader and a correct checker for these events. It uses the rules of a history and
 * the definition of linearizability directly, and shares no code with the reader or the checker. For small histories.
 */
export function expectedVerdict(
  events: readonly Event[],
  knowledge: Knowledge,
): 'linearizable' | 'violation' | 'unknown' | 'error' {
  // Nothing can be judged then.
  if (events.length === 0) return 'unknown';
  const rises = events.every(({ index }, at) => at === 0 || index > events[at - 1]!.index);
  if (knowledge.indexed && !rises) return 'error';
  const ops = pairedBy(ofClients(events, knowledge), knowledge);
  // Text without a single operation is not a history.
  if (ops === null || ops.length === 0) return 'error';
  const keys = new Set(ops.map((op) => op.key));
  const isLinearizable = (key: string): boolean =>
    isLinearizableByDefinition(ops.filter((op) => op.key === key).map((op) => revealed(op, knowledge)));
  return [...keys].every(isLinearizable) ? 'linearizable' : 'violation';
}

/** Without the processes that have names and never say anything but `info`. */
function ofClients(events: readonly Event[], { isNamed = () => false }: Knowledge): readonly Event[] {
  const clients = new Set(events.flatMap(({ op, type }) => (type === 'info' ? [] : [op.process])));
  return events.filter(({ op }) => clients.has(op.process) || !isNamed(op.process));
}

/** Pairs invocations with completions. Null: the events are not a valid history. */
function pairedBy(events: readonly Event[], { ids }: Knowledge): readonly Op[] | null {
  const open = new Map<number, Op>();
  const retired = new Set<number>();
  const invoked = new Set<number>();
  const done: Op[] = [];
  for (const [at, { op, type }] of events.entries()) {
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
function revealed({ output, error, ...op }: Op, { found }: Knowledge): Op {
  if (op.f === 'read') return op.outcome === 'ok' ? { ...op, output: output ?? null } : op;
  if (op.f !== 'cas' || op.outcome !== 'fail') return op;
  return {
    ...op,
    ...(output === undefined || !found ? {} : { output }),
    ...(error === undefined ? {} : { error }),
  };
}
