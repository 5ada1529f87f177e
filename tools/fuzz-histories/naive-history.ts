import { isLinearizableByDefinition } from '../../harness/checker/testing/brute-force.ts';
import type { Op, RegisterValue } from '../../harness/history/op.ts';
import { areEqual, naiveValues, type Value } from './naive-edn.ts';
import { MISMATCHES } from './spellings.ts';

/** One event, as the five values that matter. */
interface Told {
  readonly process: Value;
  readonly type: string;
  readonly f: string;
  readonly value: Value;
  readonly error: Value;
}

const NIL: Value = { is: 'nil' };

/**
 * The verdict on a history with keys, read by the definition of EDN: maps, or lines of columns. For whole and small
 * histories without appends.
 */
export function naiveVerdict(
  text: string,
  format: 'jepsen-edn' | 'jepsen-log',
): 'linearizable' | 'violation' {
  const plain = text.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n');
  const told = format === 'jepsen-edn' ? mapsOf(plain) : linesOf(plain);
  const clients = told.filter(({ process }) =>
    told.some((other) => other.type !== 'info' && areEqual(other.process, process)),
  );
  const ops = operationsOf(clients);
  const keys = new Set(ops.map(({ key }) => key));
  const isRight = (key: string): boolean => isLinearizableByDefinition(ops.filter((op) => op.key === key));
  return [...keys].every(isRight) ? 'linearizable' : 'violation';
}

function mapsOf(text: string): readonly Told[] {
  const values = naiveValues(text);
  const maps = values.length === 1 && values[0]!.is === 'sequence' ? values[0]!.of : values;
  return maps.map((each) => {
    const map = each.is === 'tagged' ? each.of : each;
    const field = (name: string): Value => {
      const entries = map.is === 'map' ? map.of : [];
      return (
        entries.find(([key]) => key.is === 'keyword' && key.of.replace(/^.*\//, '') === name)?.[1] ?? NIL
      );
    };
    return {
      process: field('process'),
      type: wordOf(field('type')),
      f: wordOf(field('f')),
      value: field('value'),
      error: field('error'),
    };
  });
}

function linesOf(text: string): readonly Told[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [process, type, f, value, error] = naiveValues(line.replace(/^.*jepsen\.util - /, ''));
      return { process: process!, type: wordOf(type!), f: wordOf(f!), value: value!, error: error ?? NIL };
    });
}

const wordOf = (value: Value): string => (value.is === 'keyword' ? value.of : '');

function operationsOf(told: readonly Told[]): readonly Op[] {
  const known: { readonly keys: Value[]; readonly values: Value[] } = { keys: [], values: [] };
  const ops: Op[] = [];
  for (const [at, event] of told.entries()) {
    if (event.type === 'invoke') ops.push(invoked(event, ops.length, at, known));
    else {
      const earlier = told.slice(0, at);
      const call = earlier.findLastIndex(
        ({ type, process }) => type === 'invoke' && areEqual(process, event.process),
      );
      const id = earlier.slice(0, call).filter(({ type }) => type === 'invoke').length;
      ops[id] = completed(ops[id]!, event, at, known);
    }
  }
  return ops;
}

type Known = { readonly keys: Value[]; readonly values: Value[] };

/** A name for the value: equal values have the same. */
function nameIn(all: Value[], value: Value): string {
  const at = all.findIndex((other) => areEqual(other, value));
  return String(at < 0 ? all.push(value) - 1 : at);
}

const registerValue = (value: Value, { values }: Known): RegisterValue =>
  value.is === 'nil' ? null : nameIn(values, value);

const itemsOf = (value: Value): readonly Value[] => (value.is === 'sequence' ? value.of : []);

function invoked({ f, value }: Told, id: number, call: number, known: Known): Op {
  const [key, ...rest] = itemsOf(value) as [Value, ...Value[]];
  const pair = rest.length === 2 ? rest : itemsOf(rest[0]!);
  const input =
    f === 'cas'
      ? ([registerValue(pair[0]!, known), registerValue(pair[1]!, known)] as const)
      : f === 'read'
        ? null
        : registerValue(rest[0]!, known);
  return {
    id,
    process: id,
    key: nameIn(known.keys, key),
    f: f as Op['f'],
    input,
    call,
    return: Infinity,
    outcome: 'info',
    node: '',
    attempts: 1,
  };
}

function completed(op: Op, { type, value, error }: Told, at: number, known: Known): Op {
  if (type === 'info') return op;
  if (type === 'ok') {
    const read = op.f === 'read' ? { output: registerValue(itemsOf(value)[1]!, known) } : {};
    return { ...op, outcome: 'ok', return: at, ...read };
  }
  const word = error.is === 'keyword' || error.is === 'text' ? error.of : '';
  const isMismatch = (MISMATCHES as readonly string[]).includes(word);
  return { ...op, outcome: 'fail', return: at, ...(isMismatch ? { error: 'cas-mismatch' } : {}) };
}
