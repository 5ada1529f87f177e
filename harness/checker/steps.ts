import type { Op, RegisterValue } from '../history/op.ts';

/**
 * One operation as the register model sees it. What it needs of the state and what it leaves:
 * - `read`: the state is `from`; unchanged. A failed CAS that says what it found is one of these.
 * - `differs`: the state is not `from`; unchanged (a failed CAS that does not say what it found).
 * - `write` (and delete, which writes its tombstone): any state; leaves `to`.
 * - `cas`: the state is `from`; leaves `to`.
 * - `append`: any state; leaves the state with `to` behind it (never written counts as empty).
 * - `impossible`: no state allows it (a CAS that failed because it found its own `from`).
 */
export type StepKind = 'read' | 'differs' | 'write' | 'cas' | 'append' | 'impossible';

/**
 * What a failed CAS means that does not say what it found. `mismatch`: the value was not its `from` (Porcupine's etcd
 * model). `nothing`: it did not happen, for whatever reason, and neither does one tell anything that says what it found
 * (Jepsen). Left open: the first if its error is `cas-mismatch`, else the second.
 */
export type CasFail = 'mismatch' | 'nothing';

export interface Step {
  readonly op: Op;
  readonly kind: StepKind;
  readonly from: RegisterValue;
  readonly to: RegisterValue;
  /** Milliseconds. It took effect at one moment within [call, ret]; x precedes y iff x.ret < y.call. */
  readonly call: number;
  /** `Infinity` where the outcome is unknown: it may take effect at any time after `call`, or never. */
  readonly ret: number;
  /** False: the outcome is unknown. */
  readonly certain: boolean;
}

/**
 * What one key's operations ask of the register, in order of invocation. Left out, because they constrain
 * nothing: reads without an answer, and failures that took no effect.
 *
 * @throws Error on an operation that no recorder can have written: a read ok without output, an end before
 * its start.
 */
export function toSteps(ops: readonly Op[], casFail?: CasFail): Step[] {
  const steps: Step[] = [];
  for (const op of ops) {
    const step = toStep(op, casFail);
    if (step !== null) steps.push(step);
  }
  return steps.sort((a, b) => a.call - b.call || a.op.id - b.op.id);
}

function toStep(op: Op, casFail: CasFail | undefined): Step | null {
  const certain = op.outcome !== 'info';
  const ret = certain ? op.return : Infinity;
  if (!(op.call <= ret))
    throw new Error(`operation #${op.id} ends at ${op.return} ms, before it began at ${op.call} ms`);
  const timed = { op, call: op.call, ret, certain };
  if (op.outcome === 'fail') return failedStep(op, timed, casFail);
  switch (op.f) {
    case 'read':
      if (!certain) return null;
      if (op.output === undefined)
        throw new Error(`operation #${op.id} is a read that ended ok, but has no output`);
      return { ...timed, kind: 'read', from: op.output, to: null };
    case 'write':
    case 'delete':
    case 'append':
      if (typeof op.input !== 'string')
        throw new Error(`operation #${op.id} (${op.f}) has no value as its input`);
      return { ...timed, kind: op.f === 'append' ? 'append' : 'write', from: null, to: op.input };
    case 'cas':
      return { ...timed, kind: 'cas', ...casInput(op) };
    default:
      return op.f satisfies never;
  }
}

/** Of the failures only a CAS mismatch says something about the state. */
function failedStep(
  op: Op,
  timed: Pick<Step, 'op' | 'call' | 'ret' | 'certain'>,
  casFail: CasFail | undefined,
): Step | null {
  if (op.f !== 'cas' || casFail === 'nothing') return null;
  const { from } = casInput(op);
  if (op.output !== undefined) {
    const kind = op.output === from ? 'impossible' : 'read';
    return { ...timed, kind, from: op.output, to: null };
  }
  return op.error === 'cas-mismatch' || casFail === 'mismatch'
    ? { ...timed, kind: 'differs', from, to: null }
    : null;
}

export function casInput(op: Op): { from: RegisterValue; to: string } {
  if (!Array.isArray(op.input))
    throw new Error(`operation #${op.id} is a cas, but its input is not [from, to]`);
  const [from, to] = op.input as readonly [RegisterValue, string];
  return { from, to };
}

/** The state after a step that is legal in `state`, or undefined if it is not legal there. */
export function applyStep(step: Step, state: RegisterValue): RegisterValue | undefined {
  switch (step.kind) {
    case 'read':
      return state === step.from ? state : undefined;
    case 'differs':
      return state === step.from ? undefined : state;
    case 'write':
      return step.to;
    case 'cas':
      return state === step.from ? step.to : undefined;
    case 'append':
      return (state ?? '') + (step.to ?? '');
    case 'impossible':
      return undefined;
    default:
      return step.kind satisfies never;
  }
}
