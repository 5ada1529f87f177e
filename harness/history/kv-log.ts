import type { Op } from './op.ts';

/** `{:process 0, :type :invoke, :f :append, :key "0", :value "x 0 0 y"}`; a value of nil: none. */
const LINE =
  /^\{:process (\d+), :type :(invoke|ok), :f :(get|put|append), :key "([^"]*)", :value (?:nil|"([^"]*)")\}$/;
const FUNCTIONS = { get: 'read', put: 'write', append: 'append' } as const;

/**
 * The operations of a key-value store from lines of EDN as Porcupine's tests have them. Time is the line
 * number. A key that was never written reads as the empty string there, which is null here.
 *
 * @throws Error on a line of another shape, or a response that nobody asked for.
 */
export function parseKvLog(text: string): Op[] {
  const ops: Op[] = [];
  const open = new Map<number, Op>();
  for (const [number, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const match = LINE.exec(line.trim());
    if (match === null) throw new Error(`line ${number + 1} is no operation of a key-value log: ${line}`);
    const process = Number(match[1]);
    const f = FUNCTIONS[match[3] as 'get' | 'put' | 'append'];
    const value = match[5] ?? '';
    const op = open.get(process);
    if (match[2] === 'invoke') {
      const input = f === 'read' ? null : value;
      const base = { id: ops.length, process, key: match[4]!, f, input, call: number, return: Infinity };
      const invoked: Op = { ...base, outcome: 'info', node: 'kv', attempts: 1 };
      open.set(process, invoked);
      ops.push(invoked);
    } else if (op === undefined) {
      throw new Error(
        `line ${number + 1} answers an operation that process ${process} did not invoke: ${line}`,
      );
    } else {
      open.delete(process);
      const output = f === 'read' ? { output: value === '' ? null : value } : {};
      ops[op.id] = { ...op, return: number, outcome: 'ok', ...output };
    }
  }
  return ops;
}
