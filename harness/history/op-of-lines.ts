import type { HistoryLine, Op } from './op.ts';

const NS_PER_MS = 1e6;

/** Time of a line in ms. */
export const msOf = (line: HistoryLine): number => line.time / NS_PER_MS;

/** The operation that results from `open` and this completion at `time`, in ms. */
export function completedOp(open: Op, line: HistoryLine, outcome: Op['outcome'], time: number): Op {
  const { id, process, key, f, input, call } = open;
  const { node, error, attempts = 1 } = line;
  const output = outputOf(line, outcome);
  // Literals with few fields: a history has millions of operations.
  if (outcome !== 'info' && error === undefined) {
    if (output === undefined)
      return { id, process, key, f, input, call, return: time, outcome, node, attempts };
    return { id, process, key, f, input, call, return: time, outcome, output, node, attempts };
  }
  return {
    id,
    process,
    key,
    f,
    input,
    call,
    return: outcome === 'info' ? Infinity : time,
    outcome,
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    node,
    attempts,
    ...(outcome === 'info' ? { gaveUp: time } : {}),
  };
}

function outputOf(line: HistoryLine, outcome: Op['outcome']): Op['output'] {
  if (line.f === 'read') return outcome === 'ok' ? (line.value as string | null) : undefined;
  return line.f === 'cas' && outcome === 'fail' ? line.found : undefined;
}

/** The operation of an invocation at `time`, in ms, as long as it has no completion. */
export const openOp = (call: HistoryLine, time: number): Op => ({
  id: call.id,
  process: call.process,
  key: call.key,
  f: call.f,
  input: call.value,
  call: time,
  return: Infinity,
  outcome: 'info',
  node: call.node,
  attempts: call.attempts ?? 1,
});
