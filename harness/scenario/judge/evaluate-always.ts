import { checkLinearizable, type LinearizabilityResult } from '../../checker/linearizable.ts';
import type { Clock } from '../../clock.ts';
import type { HarnessEvent } from '../../event.ts';
import type { Op } from '../../history/op.ts';
import type { TraceMonitor } from '../../ports/system.ts';
import type { ExpectationResult } from '../../result.ts';
import { stoppedMs, stopText } from '../../stall.ts';
import { SAFETY_PROPERTIES } from '../../trace.ts';
import type { Ending } from './ending.ts';
import type { Expectations } from '../language/schema.ts';

const STATUS = { linearizable: 'pass', violation: 'fail', unknown: 'unknown' } as const;

/** Checks the history. Emits the start of the check, its result and each violation. */
export async function checkHistory(
  ops: readonly Op[],
  options: {
    readonly limitMs: number;
    readonly signal: AbortSignal;
    readonly clock: Clock;
    readonly emit: (event: HarnessEvent) => void;
  },
): Promise<LinearizabilityResult> {
  const { limitMs, signal, clock, emit } = options;
  const check = { type: 'check', name: 'linearizable' } as const;
  emit({ t: clock.now(), ...check, state: 'running', detail: `${ops.length} operations` });
  const from = clock.now();
  const judged = await clock.still(() => checkLinearizable(ops, { limitMs, signal }));
  const stopped = judged.verdict === 'unknown' ? stoppedMs(clock.stalls(), from) : 0;
  const found =
    stopped > 0 ? { ...judged, detail: `${judged.detail}; ${stopText(stopped)} meanwhile` } : judged;
  const { detail, tookMs } = found;
  emit({ t: clock.now(), ...check, state: STATUS[found.verdict], detail, tookMs });
  for (const { property, prose, key, opIds } of found.violations) {
    const more = { ...(key !== undefined && { key }), ...(opIds !== undefined && { opIds }) };
    emit({ t: clock.now(), type: 'violation', property, text: prose, ...more });
  }
  return found;
}

/** True if the scenario expects this safety property. */
export const isWanted = (property: string, { invariants }: Expectations['always']): boolean =>
  invariants === 'all' || invariants.includes(property);

/**
 * The safety properties that the scenario expects but that cannot be checked, because the system does not report the
 * needed data.
 */
export const notJudged = (
  wanted: Expectations['always'],
  monitor: TraceMonitor | null,
): readonly string[] => {
  const judged = monitor?.results().map(({ property }) => property) ?? [];
  return SAFETY_PROPERTIES.filter((property) => isWanted(property, wanted) && !judged.includes(property));
};

export const whyNotJudged = (system: string): string =>
  `the system ${system} does not report what this takes`;

/** `always`: linearizability, the safety properties, and that nodes stay up. */
export function evaluateAlways(
  wanted: Expectations['always'],
  seen: {
    /** null: not checked. */
    readonly linearizability: LinearizabilityResult | null;
    /** True if the person who ended the run did not want to wait for it. */
    readonly aborted: boolean;
    /** null: the system reports no trace. */
    readonly monitor: TraceMonitor | null;
    /** Name of the system under test. */
    readonly system: string;
    readonly ending: Ending | null;
  },
): readonly ExpectationResult[] {
  const rows: ExpectationResult[] = [];
  const add = (row: Omit<ExpectationResult, 'group' | 'line'>): void => {
    rows.push({ group: 'always', ...row, ...(wanted.line > 0 && { line: wanted.line }) });
  };
  const { linearizability, aborted, monitor, system, ending } = seen;
  if (linearizability !== null) {
    const { verdict, detail, tookMs } = linearizability;
    add({ name: 'linearizable', status: STATUS[verdict], detail, tookMs });
  } else if (wanted.linearizableMs !== null) {
    if (aborted) add({ name: 'linearizable', status: 'skipped', detail: 'the run was aborted' });
    else add({ name: 'linearizable', status: 'unknown', detail: 'there is no operation to check' });
  }
  for (const { property, status, detail } of monitor?.results() ?? []) {
    if (isWanted(property, wanted)) add({ name: property, status, detail });
  }
  for (const name of notJudged(wanted, monitor))
    add({ name, status: 'not-judged', detail: `not judged: ${whyNotJudged(system)}` });
  if (ending?.kind === 'node-exit') {
    add({ name: 'no node exits by itself', status: 'fail', detail: ending.message });
  }
  return rows;
}
