import { OP_FUNCTIONS, provesMismatch } from '../history/op.ts';
import type { Op, OpFunction, RegisterValue } from '../history/op.ts';
import type { Model } from './model.ts';
import type { PartedHistory } from './parts.ts';
import { type CasFail, casInput } from './steps.ts';
import type { Bearing } from './verify.ts';

/** A register for each key, initially empty (null). The models differ in the allowed operations. */
export interface RegisterModel extends Model<RegisterValue, Op> {
  /** Functions that a history of this model may have. */
  readonly functions: readonly OpFunction[];
}

/** Thrown if the history has an operation that the model does not know. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
}

/** @throws ModelError at the first operation that the model does not know. */
export function expectFunctions(
  { ops, functions: met }: Pick<PartedHistory, 'ops' | 'functions'>,
  { name, functions }: RegisterModel,
): void {
  if ([...met].every((f) => functions.includes(f))) return;
  const stranger = ops.find((op) => !functions.includes(op.f));
  if (stranger !== undefined)
    throw new ModelError(
      `operation #${stranger.id} is a ${stranger.f}; the model ${name} knows only ${functions.join(', ')}`,
    );
}

/** Models that are decided without a search if each value identifies its writer. */
export const models = {
  register: registers('register', ['read', 'write']),
  casRegister: registers('cas-register', ['read', 'write', 'cas']),
  /**
   * A key-value store. A delete is the write of a tombstone; an append adds its input to the end of the value (null
   * counts as '').
   */
  kv: registers('kv', OP_FUNCTIONS),
  /** A list: `listElement` makes the inputs of appends, `listValue` the results of reads. */
  listAppend: registers('list-append', ['read', 'append']),
} as const;

/** The model that verifies an order: a register with the initial value `initial` and the operations of all models. */
export const startingFrom = (initial: RegisterValue): Pick<RegisterModel, 'init' | 'step'> => ({
  init: () => initial,
  step: stepRegister,
});

/** True for one of `models`, but not for a copy of one. */
export const isRegisterModel = (model: object): model is RegisterModel =>
  (Object.values(models) as object[]).includes(model);

function registers(name: string, functions: readonly OpFunction[]): RegisterModel {
  return { name, functions, init: () => null, step: stepRegister, partition: (op) => op.key, describe };
}

/**
 * Behaviour of a register: the definition that every witness is verified against. It shares no code with the decision
 * and the searches, so that a mistake in them is detected here.
 */
function stepRegister(state: RegisterValue, op: Op): RegisterValue | undefined {
  switch (op.f) {
    case 'read':
      return op.outcome !== 'ok' || op.output === state ? state : undefined;
    case 'write':
    case 'delete':
      return op.input as RegisterValue;
    case 'append':
      return state === null ? (op.input as string) : `${state}${op.input as string}`;
    case 'cas': {
      const { from, to } = casInput(op);
      if (op.outcome !== 'fail') return state === from ? to : undefined;
      const saw = op.output === undefined || op.output === state;
      return saw && state !== from ? state : undefined;
    }
    default:
      return op.f satisfies never;
  }
}

/**
 * Failures constrain nothing, except a CAS that failed because of the value that it found. Reads without an answer
 * constrain nothing either. Any other operation with an unknown outcome may have taken effect.
 */
export function bearingOf(op: Op, casFail?: CasFail): Bearing {
  if (op.outcome === 'ok') return 'must';
  if (op.outcome === 'info') return op.f === 'read' ? 'none' : 'may';
  if (op.f !== 'cas' || casFail === 'nothing') return 'none';
  return casFail === 'mismatch' || provesMismatch(op.error) || op.output !== undefined ? 'must' : 'none';
}

function describe(op: Op): string {
  const input = JSON.stringify(op.input);
  const name = `${op.f}#${op.id} (${op.node})`;
  const outcome = op.outcome === 'info' ? ', outcome unknown' : op.outcome === 'fail' ? ', failed' : '';
  const found = op.output === undefined ? '' : ` found ${JSON.stringify(op.output)}`;
  return op.f === 'read' ? `${name}${found}${outcome}` : `${name} of ${input}${found}${outcome}`;
}

/** A list's element as the input of an append. The joined elements of two different lists never give the same text. */
export const listElement = (element: string | number | boolean | null): string =>
  `${JSON.stringify(element)},`;

/** A list as the value that a read returned; null for the empty list, as before the first append. */
export const listValue = (elements: readonly Parameters<typeof listElement>[0][]): RegisterValue =>
  elements.length === 0 ? null : elements.map(listElement).join('');
