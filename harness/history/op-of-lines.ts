import type { HistoryLine, Op } from './op.ts';

const NS_PER_MS = 1e6;

/** The operation that results from `open` and this completion. */
export function completedOp(open: Op, line: HistoryLine, outcome: Op['outcome']): Op {
  const output = outputOf(line, outcome);
  return {
    ...open,
    return: outcome === 'info' ? Infinity : line.time / NS_PER_MS,
    outcome,
    ...(output === undefined ? {} : { output }),
    ...(line.error === undefined ? {} : { error: line.error }),
    node: line.node,
    attempts: line.attempts ?? 1,
    ...(outcome === 'info' ? { gaveUp: line.time / NS_PER_MS } : {}),
  };
}

function outputOf(line: HistoryLine, outcome: Op['outcome']): Op['output'] {
  if (line.f === 'read') return outcome === 'ok' ? (line.value as string | null) : undefined;
  return line.f === 'cas' && outcome === 'fail' ? line.found : undefined;
}

/** The operation of an invocation, as long as it has no completion. */
export const openOp = (call: HistoryLine): Op => ({
  id: call.id,
  process: call.process,
  key: call.key,
  f: call.f,
  input: call.value,
  call: call.time / NS_PER_MS,
  return: Infinity,
  outcome: 'info',
  node: call.node,
  attempts: call.attempts ?? 1,
});
