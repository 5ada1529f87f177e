import type { Op, OpFunction, RegisterValue } from '../history/op.ts';
import { deed } from './describe.ts';
import type { Model } from './model.ts';
import { applyStep, toStep } from './steps.ts';

/** A register for each key, empty (null) at first; the models differ in what may be asked of it. */
export interface RegisterModel extends Model<RegisterValue> {
  /** A history with any other function is not one of this model. */
  readonly functions: readonly OpFunction[];
}

/** The history is not one of the model. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
}

/** @throws ModelError at the first operation that the model does not know. */
export function expectFunctions(ops: readonly Op[], { name, functions }: RegisterModel): void {
  const stranger = ops.find((op) => !functions.includes(op.f));
  if (stranger !== undefined)
    throw new ModelError(
      `operation #${stranger.id} is a ${stranger.f}; the model ${name} knows only ${functions.join(', ')}`,
    );
}

const registers = (name: string, functions: readonly OpFunction[]): RegisterModel => ({
  name,
  functions,
  init: () => null,
  step: (state, op) => {
    const step = toStep(op);
    return step === null ? state : applyStep(step, state);
  },
  partition: (op) => op.key,
  describe: (op) => {
    const step = toStep(op);
    return step === null ? `${op.f}#${op.id} (${op.node}) says nothing` : deed(step);
  },
});

/** The models that are decided without search where values tell their writers apart. */
export const models = {
  register: registers('register', ['read', 'write']),
  casRegister: registers('cas-register', ['read', 'write', 'cas']),
  /** A delete is the write of a tombstone; an append puts its input behind the value (an empty one counts as ''). */
  kv: registers('kv', ['read', 'write', 'cas', 'delete', 'append']),
  /** A list: inputs of appends are made by `listElement`, what reads return by `listValue`. */
  listAppend: registers('list-append', ['read', 'append']),
} as const;

/** A list's element as the input of an append. No two lists are alike when their elements are put together. */
export const listElement = (element: string | number | boolean | null): string =>
  `${JSON.stringify(element)},`;

/** A list as the value that a read returned; null: the empty one, as it is before the first append. */
export const listValue = (elements: readonly Parameters<typeof listElement>[0][]): RegisterValue =>
  elements.length === 0 ? null : elements.map(listElement).join('');
