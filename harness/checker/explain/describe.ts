import type { RegisterValue } from '../../history/op.ts';
import type { Step } from '../steps.ts';

/** Maximum number of characters of a value in prose. */
const MAX_SHOWN = 40;

export function showValue(value: RegisterValue): string {
  if (value === null) return 'nothing';
  return `"${value.length <= MAX_SHOWN ? value : `…${value.slice(-MAX_SHOWN)}`}"`;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(6).replace(/0{1,3}$/, '')} s`;

/** `read#812 (n1)`. */
export const nameOf = (step: Step): string => `${step.op.f}#${step.op.id} (${step.op.node})`;

export const began = (step: Step): string => `${nameOf(step)} began at ${seconds(step.call)}`;
export const ended = (step: Step): string => `${nameOf(step)} had ended at ${seconds(step.ret)}`;

/** A step as a clause: `write#640 (n2) wrote "21"`. */
export function deed(step: Step): string {
  const name = nameOf(step);
  const unknown = step.certain ? '' : ', whose outcome is unknown,';
  switch (step.kind) {
    case 'read':
      return step.op.f === 'cas'
        ? `${name} found ${showValue(step.from)}`
        : `${name} returned ${showValue(step.from)}`;
    case 'differs':
      return `${name} found something other than ${showValue(step.from)}`;
    case 'write':
      return step.op.f === 'delete'
        ? `${name}${unknown} deleted, leaving ${showValue(step.to)}`
        : `${name}${unknown} wrote ${showValue(step.to)}`;
    case 'cas':
      return `${name}${unknown} set ${showValue(step.from)} to ${showValue(step.to)}`;
    case 'append':
      return `${name}${unknown} appended ${showValue(step.to)}`;
    case 'impossible':
      return `${name} was refused because the value was not ${showValue(step.from)}, but reports that it found ${showValue(step.from)}`;
    default:
      return step.kind satisfies never;
  }
}
