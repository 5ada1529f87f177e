import { stopText } from '../../stall.ts';
import type { ExpectationResult } from '../../result.ts';

/**
 * Makes a failed row unknown if its failure may be due to the harness. If the harness stood still for some time
 * (`stoppedMs`), something may have taken too long, or too short, because of that. If reports of nodes were lost
 * (`reportsLost` says which), a row that depends on these reports may be wrong. This is not called for rows that depend
 * on a proof.
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
  return {
    ...row,
    status: 'unknown',
    detail: `${row.detail}; ${reasons.join('; ')}, so the result is unknown`,
  };
}
