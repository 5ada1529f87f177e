import type { RegisterValue } from '../../history/op.ts';
import { showValue } from '../explain/describe.ts';
import type { Actor, Block } from './block.ts';

/** The reason why the operations of a key have no order, for every outcome of the open ones. */
export interface Finding {
  readonly anomaly: string;
  /** Names every operation by its id. */
  readonly prose: string;
  /** Ids of these operations, in increasing order. */
  readonly opIds: readonly number[];
}

/**
 * No operation can have left this value at the time at which it was shown. `last` is the operation that last showed
 * another value of the key.
 */
export function nowhere(witness: Actor, value: RegisterValue, last: Actor | null): Finding {
  const meanwhile = last === null ? '' : `; ${deed(last)} meanwhile`;
  return finding(
    value === null ? 'stale read' : 'stale read or value from nowhere',
    `${deed(witness, value)}, a value that had been replaced before ${name(witness)} began, or that no operation wrote${meanwhile}.`,
    [witness, last],
  );
}

export function dirty(failed: Actor, seen: Actor | null): Finding {
  const by = seen === null || seen.id === failed.id ? 'was seen to take effect' : `${name(seen)} saw it`;
  return finding('dirty read of a failed write', `${deed(failed)} and was told that it failed, but ${by}.`, [
    failed,
    seen,
  ]);
}

export function refused(cas: Actor, found: RegisterValue): Finding {
  return finding(
    'cas refused its own value',
    `${name(cas)} was refused, but found ${showValue(found)}, which is exactly what it asked for.`,
    [cas],
  );
}

export function cycle(cas: Actor): Finding {
  return finding(
    'cas cycle',
    `${deed(cas)}, but that value was itself made from what ${name(cas)} left: neither could be the first.`,
    [cas],
  );
}

/** Two operations that both turned one value into another. */
export function fork(value: RegisterValue, first: Actor | null, second: Actor): Finding {
  const both = first?.f === 'cas' && second.f === 'cas';
  const other = first === null ? 'another operation' : deed(first);
  return finding(
    both
      ? 'two CAS winners'
      : first?.f === 'append' && second.f === 'append'
        ? 'append reorder'
        : 'lost write',
    `${other} and ${deed(second)}: each took effect on ${showValue(value)}, although that was the value only once.`,
    [first, second],
  );
}

export function repeated(witness: Actor, value: RegisterValue, token: Actor): Finding {
  return finding(
    'duplicate append',
    `${deed(witness, value)}, in which the token of ${name(token)} occurs more than once, although it was appended once.`,
    [token, witness],
  );
}

/** An append that ended before an operation began, but comes after it in the value. */
export function misplaced(append: Actor, after: Actor | null): Finding {
  const who = after === null ? 'the operation before it' : name(after);
  return finding(
    'append reorder',
    `${deed(append)} and had ended before ${who} began, but comes after it in the value.`,
    [append, after],
  );
}

/** A value that `next` had replaced before the operation that shows the value began. */
export function outdated(witness: Actor, value: RegisterValue, next: Actor | null): Finding {
  const by = next === null ? 'another value came' : deed(next);
  return finding(
    'stale read',
    `${deed(witness, value)}, but ${by} after that, and this was known before ${name(witness)} began.`,
    [witness, next],
  );
}

/**
 * Two blocks that must each come before the other. The prose describes the value of `a`, or of the initial block, as
 * the one that came back.
 */
export function rivals(a: Block, b: Block): Finding {
  const [back, over] = b.firstEnd === null ? [b, a] : [a, b];
  const again = back.lastBegin!;
  const known = over.firstEnd!;
  const opening = over.lastBegin!;
  const first = back.firstEnd;
  const before = `${deed(again)} after ${deed(known)}, which had ended before ${name(again)} began`;
  const yet =
    first === null
      ? 'the key was written by then'
      : `${name(first)} (it ${verb(first)}) had ended before ${name(opening)} (it ${verb(opening)}) began`;
  const anomaly = again.f === 'read' || again.f === 'cas' ? 'stale read' : 'lost write';
  return finding(anomaly, `${before}; yet ${yet}.`, [again, known, first, opening]);
}

function finding(anomaly: string, prose: string, actors: readonly (Actor | null)[]): Finding {
  const ids = actors.flatMap((actor) => (actor === null ? [] : [actor.id]));
  return { anomaly, prose, opIds: [...new Set(ids)].sort((x, y) => x - y) };
}

/** `read#812 (n1)` */
const name = ({ f, id, node }: Actor): string => `${f}#${id} (${node})`;

const deed = (actor: Actor, shown?: RegisterValue): string => `${name(actor)} ${verb(actor, shown)}`;

function verb({ f, input, output }: Actor, shown: RegisterValue | undefined = output): string {
  if (f === 'read') return `returned ${showValue(shown ?? null)}`;
  if (Array.isArray(input)) {
    const [from, to] = input as readonly [RegisterValue, string];
    return output === undefined ? `set ${showValue(from)} to ${showValue(to)}` : `found ${showValue(output)}`;
  }
  return `${f === 'delete' ? 'deleted, leaving' : f === 'append' ? 'appended' : 'wrote'} ${showValue(input as string)}`;
}
