import { stopText } from '../../stall.ts';
import type { ExpectationResult } from '../../result.ts';

/**
 * The row in a run whose harness stood still for `stoppedMs`. What took too long, or too short, may have done so
 * because of that: such a failure is not known to be one. The same holds for a row that rests on what the nodes report
 * of themselves, if `reportsLost` says which of these reports could not be read. What rests on a proof does not pass
 * through here.
 */
export function doubted<Row extends Pick<ExpectationResult, 'status' | 'detail'>>(
  row: Row,
  stoppedMs: number,
  reportsLost: string | null = null,
): Row {
  if (row.status !== 'fail') return row;
  const reasons = [
    ...(stoppedMs > 0 ? [stopText(stoppedMs)] : []),
    ...(reportsLost === null ? [] : [`reports of a node were lost (${reportsLost})`]),
  ];
  if (reasons.length === 0) return row;
  return { ...row, status: 'unknown', detail: `${row.detail}; ${reasons.join('; ')}, so this is not known` };
}
