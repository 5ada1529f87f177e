import { describe, expect, it } from 'vitest';
import { play } from '../../stage/sim/testing/play.ts';

const head = `apiVersion: chaos/v1
name: meaning
seed: 5
workload: { clients: 4, rate: 200/s, keys: 3, timeout: 500ms }
`;
const CUT_OFF = `steps:
  - cut: { links: all }
    as: dead
  - wait: { for: 3s }
  - heal: dead
  - wait: { until: { converged: true }, within: 5s }
  - wait: { until: { progress: { ops: 100 } }, within: 5s }
`;

describe('a scenario that says nothing of `not-vacuous`', () => {
  it('is inconclusive if no operation succeeded while a fault held, and the reason says what to do', async () => {
    const { outcome } = await play(`${head}${CUT_OFF}`);
    expect(outcome.exitCode).toBe(4);
    expect(outcome.sentence).toMatch(
      /^Nothing is proven: ops-during-faults 1: no operation succeeded while dead held \(3\.\d\d s; [1-9]\d* invoked\), .*; if none should succeed, say so: `during: \[{ window: dead, acked-ops: 0 }\]`/,
    );
  });
  it('passes if it says that none should succeed', async () => {
    for (const says of [
      'expect: { during: [{ window: dead, acked-ops: 0 }] }\n',
      'expect: { during: [{ window: dead, acked-reads: 0 }, { window: dead, acked-writes: "< 1" }] }\n',
      'expect: { not-vacuous: { ops-during-faults: 0 } }\n',
    ])
      expect((await play(`${head}${says}${CUT_OFF}`)).outcome.sentence).toMatch(/^All \d+ expectations/);
  });
  it('is not excused by what it expects of one node, or of one kind of operation', async () => {
    for (const says of [
      'expect: { during: [{ window: dead, node: n1, acked-ops: 0 }] }\n',
      'expect: { during: [{ window: dead, acked-writes: 0 }] }\n',
      'expect: { during: [{ window: dead, acked-ops: "< 5" }] }\n',
    ])
      expect((await play(`${head}${says}${CUT_OFF}`)).outcome.exitCode).toBe(4);
  });
  it('is inconclusive if a fault did not take effect', async () => {
    const { outcome } = await play(
      `${head}steps:\n  - pause: n1\n    as: first\n  - pause: n1\n    as: again\n  - wait: { for: 2s }\n`,
    );
    expect(outcome.exitCode).toBe(4);
    expect(outcome.sentence).toContain('nothing shows that again (pause n1) took effect');
  });
  it('is inconclusive if all of its faults were skipped', async () => {
    const { outcome } = await play(
      `${head}steps:\n  - restart: last-killed\n    on-empty: skip\n  - wait: { for: 200ms }\n`,
    );
    expect(outcome).toMatchObject({
      exitCode: 4,
      sentence: expect.stringContaining('no fault was injected'),
    });
  });
  it('and has no faults is judged only on its operations', async () => {
    const { outcome } = await play(`${head}steps: []\n`);
    expect(outcome.exitCode).toBe(0);
    expect(
      outcome.expectations.filter(({ group }) => group === 'not-vacuous').map(({ name }) => name),
    ).toEqual(['ops 1']);
  });
});

describe('these runs are meaningful, and pass', () => {
  const passes = async (steps: string): Promise<void> => {
    for (const seed of [1, 2, 3, 4]) {
      const { outcome } = await play(`${head}steps:\n${steps}`, { seed });
      expect(outcome.sentence).toMatch(/^All \d+ expectations/);
    }
  };
  it('a leader that is down for less time than an election takes', () =>
    passes('  - kill: { node: leader, restart-after: 100ms }\n  - wait: { for: 3s }\n'));
  it('a fault of a few milliseconds, which nothing may show', () =>
    passes('  - cut: { from: follower, to: leader }\n    for: 3ms\n  - wait: { for: 2s }\n'));
  it('faults that are healed at the end of the run, right after they began or later', async () => {
    await passes('  - kill: leader\n');
    await passes('  - partition: { isolate: leader }\n  - wait: { for: 3s }\n');
    await passes('  - pause: follower\n  - wait: { for: 30ms }\n');
  });
  it('faults of a moment as the last step', () => passes('  - restart: leader\n'));
  it('a fault that overlaps one under which nothing should succeed', async () => {
    const steps = `steps:
  - delay: { links: peers, add: 2ms }
    as: slow
  - cut: { links: all }
    as: dead
  - wait: { for: 3s }
  - heal: dead
  - heal: slow
  - wait: { until: { progress: { ops: 100 } }, within: 5s }
`;
    const says = 'expect: { during: [{ window: dead, acked-ops: 0 }] }\n';
    expect((await play(`${head}${says}${steps}`)).outcome.sentence).toMatch(/^All \d+ expectations/);
  });
  it('a run that a signal ends while a fault holds keeps the exit code of the signal', async () => {
    const { outcome } = await play(`${head}${CUT_OFF}`, {
      onEvent: (event, { abort }) => {
        if (event.type === 'fault' && event.state === 'confirmed') abort('SIGINT');
      },
    });
    expect(outcome.exitCode).toBe(130);
    expect(
      outcome.expectations.filter(({ group, status }) => group === 'not-vacuous' && status === 'fail'),
    ).toEqual([]);
  });
});
