import type { RegisterValue } from '../history/op.ts';
import type { Step } from './steps.ts';

/**
 * Judges a proof of linearizability, independently of how it was found: `order` must hold every step with a
 * known outcome exactly once and no other step twice, must not put a step behind one that was invoked only
 * after it had ended, and must be what a register does. Returns null, or why the order proves nothing. O(n).
 */
export function verifyWitness(steps: readonly Step[], order: readonly Step[]): string | null {
  const placed = new Set(order);
  if (placed.size !== order.length) return 'a step stands in the order twice';
  const known = new Set(steps);
  for (const step of order) if (!known.has(step)) return `#${step.op.id} is no step of this history`;
  for (const step of steps) if (step.certain && !placed.has(step)) return `#${step.op.id} is missing`;

  let latestCall = -Infinity;
  let state: RegisterValue = null;
  for (const step of order) {
    if (step.ret < latestCall) return `#${step.op.id} had ended before a step that stands before it began`;
    latestCall = Math.max(latestCall, step.call);
    const name = `#${step.op.id} (${step.kind})`;
    // Spelled out anew, rather than by the searches' own transition function: a mistake there must not hide
    // here.
    if ((step.kind === 'read' || step.kind === 'cas') && state !== step.from)
      return `${name} needs ${step.from}, not ${state}`;
    if (step.kind === 'differs' && state === step.from) return `${name} says the state is not ${step.from}`;
    if (step.kind === 'impossible') return `${name} fits no state`;
    if (step.kind === 'append') state = state === null ? step.to : `${state}${step.to}`;
    if (step.kind === 'write' || step.kind === 'cas') state = step.to;
  }
  return null;
}
