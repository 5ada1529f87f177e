import { stopText } from '../../stall.ts';
import type { ExpectationResult } from '../../result.ts';

/**
 * The row in a run whose harness stood still for `stoppedMs`. What took too long, or too short, may have done so
 * because of that: such a failure is not known to be one. What rests on a proof does not pass through here.
 */
export const doubted = <Row extends Pick<ExpectationResult, 'status' | 'detail'>>(
  row: Row,
  stoppedMs: number,
): Row =>
  row.status !== 'fail' || stoppedMs <= 0
    ? row
    : { ...row, status: 'unknown', detail: `${row.detail}; ${stopText(stoppedMs)}, so this is not known` };
