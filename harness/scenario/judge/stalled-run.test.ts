import { describe, expect, it } from 'vitest';
import type { FaultRecord } from '../../nemesis/nemesis.ts';
import { ClusterState } from '../../view/cluster-state.ts';
import type { DuringExpectation } from '../language/schema.ts';
import { evaluateDuring } from './evaluate-during.ts';
import { evaluateRecovery } from './evaluate-recovery.ts';
import { RecoveryTimes } from './recovery-times.ts';
import type { RunRecord } from './run-record.ts';

const NODES = ['n1', 'n2', 'n3'];
const STALL = { from: 2_500, to: 5_500 };

/** A run of one fault, from 2 s to 6 s. n1 leads until 2.1 s, and n2 from 5 s on. */
function record(overrides: Partial<RunRecord> = {}): RunRecord {
  const state = new ClusterState(NODES);
  for (const node of NODES) state.feed({ t: 0, type: 'life', node, life: 'up', pid: 1 });
  const lead = (t: number, leader: string, term: number, nodes: readonly string[]): void => {
    for (const node of nodes)
      state.feed({ t, type: 'status', node, role: node === leader ? 'leader' : 'follower', term, leader });
  };
  lead(100, 'n1', 1, NODES);
  state.feed({ t: 2_100, type: 'life', node: 'n1', life: 'down', pid: null });
  lead(5_000, 'n2', 2, ['n2', 'n3']);
  const cut = {
    name: 'cut',
    requestedAt: 1_900,
    confirmedAt: 2_000,
    healingAt: 6_000,
  } as unknown as FaultRecord;
  return {
    ops: [],
    faults: [cut],
    state,
    recovery: new RecoveryTimes(state),
    bindings: [],
    linearizability: null,
    gaps: [{ from: 2_100, to: 5_000 }],
    stepsFrom: 1_000,
    stepsTo: 8_000,
    stalls: [],
    reportsLost: null,
    ending: null,
    ...overrides,
  };
}
const wanted = (
  figure: keyof DuringExpectation['wanted'],
  operator: string,
  value: number,
): DuringExpectation => ({ window: 'cut', node: null, wanted: { [figure]: { operator, value } }, line: 9 });
const statusOf = (expectation: DuringExpectation, run: RunRecord): string =>
  evaluateDuring([expectation], run)[0]!.status;

describe('what must hold while a fault does, in a run whose harness was stopped meanwhile', () => {
  it('is not known where it failed', () => {
    const slow = wanted('leader-gap', '<=', 2_000);
    expect(statusOf(slow, record())).toBe('fail');
    const [row] = evaluateDuring([slow], record({ stalls: [STALL] }));
    expect(row).toMatchObject({
      status: 'unknown',
      detail: expect.stringContaining('was stopped for 3.0 s'),
    });
    expect(statusOf(wanted('acked-ops', '>=', 5), record({ stalls: [STALL] }))).toBe('unknown');
  });

  it('is not known where only the longer window may have brought it about', () => {
    const longGap = wanted('leader-gap', '>=', 2_500);
    expect(statusOf(longGap, record())).toBe('pass');
    expect(statusOf(longGap, record({ stalls: [STALL] }))).toBe('unknown');
    expect(statusOf(longGap, record({ stalls: [{ from: 6_500, to: 7_000 }] }))).toBe('pass');
  });

  it('passes where it held all the same', () => {
    expect(statusOf(wanted('acked-ops', '=', 0), record({ stalls: [STALL] }))).toBe('pass');
    expect(statusOf(wanted('leader-gap', '<=', 3_000), record({ stalls: [STALL] }))).toBe('pass');
  });

  it('fails as ever if the harness was stopped only before the first step', () => {
    const early = { from: 100, to: 900 };
    expect(statusOf(wanted('leader-gap', '<=', 2_000), record({ stalls: [early] }))).toBe('fail');
  });
});

describe('the recovery, in a run whose harness was stopped', () => {
  const limits = { leaderWithinMs: 1_000, caughtUpWithinMs: null, writesWithinMs: null, line: 9 };
  const healedAt = (healingAt: number, t: number): RecoveryTimes => {
    const recovery = new RecoveryTimes(record().state);
    recovery.healingAt = healingAt;
    recovery.healed(t);
    return recovery;
  };

  it('is not known where it took too long', () => {
    const recovery = healedAt(3_000, 3_100);
    expect(evaluateRecovery(limits, record({ recovery }))[0]!.status).toBe('fail');
    expect(evaluateRecovery(limits, record({ recovery, stalls: [STALL] }))[0]!.status).toBe('unknown');
  });

  it('is not known where the heal may have taken effect well before it was noted', () => {
    const recovery = healedAt(1_800, 4_500);
    expect(evaluateRecovery(limits, record({ recovery }))[0]!.status).toBe('pass');
    expect(evaluateRecovery(limits, record({ recovery, stalls: [STALL] }))[0]!.status).toBe('unknown');
  });
});

describe('a run in which reports of a node were lost', () => {
  const lost = { reportsLost: 'n3: report line 7 is not a JSON object' };

  it('knows no failure of what rests on reports', () => {
    const slow = wanted('leader-gap', '<=', 2_000);
    const [row] = evaluateDuring([slow], record(lost));
    expect(row).toMatchObject({ status: 'unknown', detail: expect.stringContaining('n3: report line 7') });
    expect(statusOf(wanted('elections', '>=', 3), record(lost))).toBe('unknown');
    const limits = { leaderWithinMs: 100, caughtUpWithinMs: null, writesWithinMs: null, line: 9 };
    const recovery = new RecoveryTimes(record().state);
    recovery.healed(3_000);
    expect(evaluateRecovery(limits, record({ recovery }))[0]!.status).toBe('fail');
    expect(evaluateRecovery(limits, record({ recovery, ...lost }))[0]!.status).toBe('unknown');
  });

  it('knows the failures of what rests on answers to clients', () => {
    expect(statusOf(wanted('acked-ops', '>=', 5), record(lost))).toBe('fail');
    const limits = { leaderWithinMs: null, caughtUpWithinMs: null, writesWithinMs: 100, line: 9 };
    const recovery = new RecoveryTimes(record().state);
    recovery.healed(3_000);
    expect(evaluateRecovery(limits, record({ recovery, ...lost }))[0]!.status).toBe('fail');
  });
});
