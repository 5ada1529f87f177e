import type { Op } from '../../history/op.ts';
import { formatDuration } from '../../duration.ts';
import type { ExpectationResult } from '../../result.ts';
import type { Expectations } from '../language/schema.ts';
import { stoppedMs, stopText } from '../../stall.ts';
import { doubted } from './doubt.ts';
import { isOwn } from './ending.ts';
import { cutShort, type Row, type RunRecord } from './run-record.ts';

/** `recovery`: how fast the cluster came back after the last heal. */
export function evaluateRecovery(
  wanted: Expectations['recovery'],
  { recovery, ops, ending, stalls, stepsFrom, reportsLost }: RunRecord,
): ExpectationResult[] {
  const { since } = recovery;
  const never = `not yet: ${recovery.missing()}`;
  const limits = [
    ['leader-within', wanted.leaderWithinMs, recovery.leaderMs(), 'there was a leader', never],
    ['caught-up-within', wanted.caughtUpWithinMs, recovery.caughtUpMs(), 'every node had caught up', never],
    [
      'writes-within',
      wanted.writesWithinMs,
      firstWriteMs(since, ops),
      'a write was acknowledged',
      'no write was acknowledged',
    ],
  ] as const;
  const evaluate = (
    limitMs: number,
    tookMs: number | null,
    what: string,
    missing: string,
  ): Omit<Row, 'name'> => {
    if (since === null) return { status: 'unknown', detail: 'nothing was healed in this run' };
    if (tookMs === null) return { status: 'fail', detail: missing };
    const detail = `${what} ${formatDuration(Math.round(tookMs))} after the last heal`;
    const row = { detail, tookMs: Math.round(tookMs) };
    // While the harness stood still, the heal may have taken effect before it was noted.
    const slackMs = recovery.healingAt === null ? 0 : stoppedMs(stalls, recovery.healingAt, since);
    if (tookMs <= limitMs && tookMs + slackMs > limitMs)
      return { ...row, status: 'unknown', detail: `${detail}; ${stopText(slackMs)} during the heal` };
    return { ...row, status: tookMs <= limitMs ? 'pass' : 'fail' };
  };
  const endedFromOutside = ending !== null && !isOwn(ending);
  return limits.flatMap(([name, limitMs, tookMs, what, missing]) => {
    if (limitMs === null) return [];
    const row = doubted(
      { name: `${name} ${formatDuration(limitMs)}`, ...evaluate(limitMs, tookMs, what, missing) },
      stoppedMs(stalls, stepsFrom),
      // Answers to writes do not depend on the reports of nodes.
      name === 'writes-within' ? null : reportsLost,
    );
    return [{ group: 'recovery' as const, line: wanted.line, ...(endedFromOutside ? cutShort(row) : row) }];
  });
}

/** Time from the heal to the first answer to a write that was invoked after it, in ms. */
function firstWriteMs(since: number | null, ops: readonly Op[]): number | null {
  let first: number | null = null;
  for (const { f, outcome, call, return: returned } of ops) {
    if (since === null || f === 'read' || outcome !== 'ok' || call < since) continue;
    first = Math.min(first ?? Infinity, returned - since);
  }
  return first;
}
