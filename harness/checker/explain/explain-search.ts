import type { RegisterValue } from '../../history/op.ts';
import { began, deed, ended, showValue } from './describe.ts';
import type { Explanation } from './explain.ts';
import type { SearchResult } from '../search/problem.ts';
import type { Step } from '../steps.ts';

/** Steps that have no order by themselves, as found by a search. */
export interface SearchedWindow {
  readonly steps: readonly Step[];
  /** The longest order of the steps that was found, and the value at its end. */
  readonly prefix: readonly Step[];
  readonly state: RegisterValue;
  /** The initial value of the key. */
  readonly initial: RegisterValue;
  /** The step that had to come next but could not. */
  readonly stuck: Step;
}

/** Maximum number of operations of an order that the prose names. */
const MAX_NAMED = 8;

/** The reason why there is no verdict: the progress of the search, and the obstacle. `at` names the operation there. */
export function explainUnknown(
  { limit, reach }: Extract<SearchResult, { verdict: 'unknown' }>,
  at: string | null,
): string {
  const { ordered, certain, open, unknown, configurations } = reach;
  const got = `the ${limit} limit was reached after ${ordered} of ${certain} operations could be ordered`;
  const where = at === null ? '' : `, at ${at}`;
  return `${got}${where}: ${open} operations were open there, and ${unknown} of unknown outcome could still take effect, which left ${configurations} configurations to examine`;
}

/** A short form of an order: its last few operations. */
export function orderInShort(ids: readonly number[]): string {
  const order = ids.slice(-MAX_NAMED).map((id) => `#${id}`);
  if (ids.length > MAX_NAMED) order.unshift('…');
  return ids.length === 0 ? 'No operation can come first' : `The longest order is ${order.join(', ')}`;
}

/** Describes a violation that was found by search: no rule names it, so the prose says where the longest order ends. */
export function explainSearch({
  steps,
  prefix,
  stuck,
  state,
  initial,
}: SearchedWindow): Omit<Explanation, 'steps'> {
  const longest = orderInShort(prefix.map((step) => step.op.id));
  const tail = `${longest}; there the value is ${showValue(state)}, and ${deed(stuck)}; it ${times(stuck)}. No order of these ${steps.length} operations is a register's.`;
  const wanted = stuck.kind === 'read' || stuck.kind === 'cas' ? stuck.from : undefined;
  const writers = steps.filter((step) => isWriter(step) && step.to === wanted);
  if (
    wanted !== undefined &&
    wanted !== initial &&
    writers.length === 0 &&
    !steps.some((step) => step.kind === 'append')
  ) {
    return { anomaly: 'value from nowhere', prose: tail };
  }
  const stale =
    stuck.kind === 'read' &&
    (wanted === initial || writers.some((step) => prefix.some((taken) => taken.op === step.op)));
  return { anomaly: stale ? 'stale read' : 'not linearizable', prose: tail };
}

const isWriter = ({ kind }: Step): boolean => kind === 'write' || kind === 'cas';

const times = (step: Step): string =>
  `${began(step).replace(/^.*began/, 'began')} and ${ended(step).replace(/^.*had ended/, 'had ended')}`;
