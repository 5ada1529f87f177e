import type { Op, RegisterValue } from './op.ts';

/** `INFO  jepsen.util - PROCESS :TYPE :F VALUE`, columns apart by tabs or spaces. */
const LINE = /^INFO\s+jepsen\.util\s+-\s+(\d+)\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\s+(.*)$/;

/**
 * The operations of one register that Jepsen logged. Time is the line number: a total order of invocations
 * and responses. A `:fail` read timed out and says nothing; a `:fail` cas says that the value was not `from`;
 * an `:info`, and what the log's end cuts off, stays open for ever.
 *
 * @throws Error on a line of jepsen.util that is not of this shape, or a response that nobody asked for.
 * Other lines are skipped.
 */
export function parseJepsenLog(text: string): Op[] {
  const ops: Op[] = [];
  const open = new Map<number, Op>();
  for (const [number, line] of text.split('\n').entries()) {
    if (!line.includes('jepsen.util')) continue;
    const match = LINE.exec(line.trim());
    if (match === null)
      throw new Error(`line ${number + 1} is not "INFO jepsen.util - PROCESS :TYPE :F VALUE": ${line}`);
    const process = Number(match[1]);
    const value = match[4]!.trim();
    if (match[2] === 'invoke') {
      const op = invocation({
        id: ops.length,
        process,
        f: match[3] as 'read' | 'write' | 'cas',
        value,
        call: number,
      });
      open.set(process, op);
      ops.push(op);
      continue;
    }
    const op = open.get(process);
    if (op === undefined)
      throw new Error(
        `line ${number + 1} answers an operation that process ${process} did not invoke: ${line}`,
      );
    open.delete(process);
    ops[op.id] = completion(op, match[2] as 'ok' | 'fail' | 'info', value, number);
  }
  return ops;
}

const registerValue = (text: string): RegisterValue => (text === 'nil' ? null : text);

interface Invocation {
  readonly id: number;
  readonly process: number;
  readonly f: 'read' | 'write' | 'cas';
  readonly value: string;
  readonly call: number;
}

function invocation({ id, process, f, value, call }: Invocation): Op {
  const [from, to] = value.replace(/^\[|\]$/g, '').split(/\s+/);
  const input = f === 'read' ? null : f === 'write' ? value : ([registerValue(from!), to!] as const);
  return {
    id,
    process,
    key: 'register',
    f,
    input,
    call,
    return: Infinity,
    outcome: 'info',
    node: 'etcd',
    attempts: 1,
  };
}

function completion(op: Op, type: 'ok' | 'fail' | 'info', value: string, at: number): Op {
  if (type === 'info') return { ...op, error: value.replace(/^:/, ''), gaveUp: at };
  if (type === 'ok')
    return { ...op, return: at, outcome: 'ok', ...(op.f === 'read' ? { output: registerValue(value) } : {}) };
  return {
    ...op,
    return: at,
    outcome: 'fail',
    error: op.f === 'cas' ? 'cas-mismatch' : value.replace(/^:/, ''),
  };
}
