import { pushBounded as push } from '../view/bounded.ts';
import { LIMITS, type TimeSpan } from './state.ts';

/** Opens or closes the last span of a list if `on` has changed. */
export function spans(list: readonly TimeSpan[], on: boolean, t: number): readonly TimeSpan[] {
  const last = list.at(-1);
  const open = last !== undefined && last.to === null;
  if (on === open) return list;
  return on
    ? push(list, { from: t, to: null }, LIMITS.spans)
    : [...list.slice(0, -1), { from: last!.from, to: t }];
}
