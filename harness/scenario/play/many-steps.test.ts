import { describe, expect, it } from 'vitest';
import { play } from '../../stage/sim/testing/play.ts';
import { formatErrors, loadScenario } from '../language/load.ts';
import { MOST_STEPS } from '../language/step-count.ts';

const head = `apiVersion: chaos/v1
name: many
seed: 3
workload: { clients: 2, rate: 50/s }
expect: { always: { linearizable: false, invariants: none } }
steps:
`;
const mistakesIn = (steps: string): string => {
  const loaded = loadScenario('x.yaml', `${head}${steps}`);
  return loaded.ok ? '' : formatErrors(loaded);
};
const nested = (levels: number): string =>
  `  - ${'{ repeat: { times: 5, steps: [ '.repeat(levels)}{ note: x }${' ] } }'.repeat(levels)}\n`;

describe('the number of steps that a run carries out is bounded', () => {
  it('by the loader, with the place of the repeat that has too many', () => {
    expect(mistakesIn(nested(7))).toBe('');
    expect(mistakesIn(nested(8))).toContain(`x.yaml:7:17: a run carries out at most ${MOST_STEPS} steps\n`);
    expect(mistakesIn(nested(20))).toContain('a run carries out at most');
    expect(mistakesIn(nested(7).repeat(3))).toContain('x.yaml:9:17: a run carries out at most');
  });
  it('by the run if the file does not say how often: the run is inconclusive and names the step', async () => {
    const { outcome, events } = await play(`${head}  - repeat: { for: 10m, steps: [{ note: busy }] }\n`);
    expect(outcome.exitCode).toBe(4);
    expect(outcome.sentence).toBe(
      `Nothing is proven: note busy (line 7): a run carries out at most ${MOST_STEPS} steps.`,
    );
    expect(events.length).toBeLessThan(5_000);
  });
});

describe('a step that is carried out many times', () => {
  it('is one row of the result, is logged a hundred times, and is recorded as one repeat', async () => {
    const checks = '{ check: { leader: { count: 1 } } }, { check: { leader: { count: 3 } } }';
    const { outcome, events } = await play(
      `${head}  - repeat: { times: 3000, steps: [ ${checks} ] }\n  - note: end\n`,
    );
    const rows = outcome.expectations.filter(({ group }) => group === 'steps');
    expect(rows.map(({ status, count }) => ({ status, count }))).toEqual([
      { status: 'pass', count: 3_000 },
      { status: 'fail', count: 3_000 },
    ]);
    expect(events.filter(({ type }) => type === 'step').length).toBe(2 * (100 + 100 + 2));
    expect(outcome.flat).toMatch(/^  - \{repeat: \{times: 3000, steps: \[\{check: .*\n  - \{note: end\}\n/m);
    const again = loadScenario('flat.yaml', outcome.flat);
    expect(again.ok ? '' : formatErrors(again)).toBe('');
  });
  it('with other results in each round is unrolled in the recorded run', async () => {
    const { outcome } = await play(
      `${head}  - repeat: { times: 3, steps: [{ wait: { for: 1ms..500ms } }] }\n`,
    );
    expect(outcome.flat.match(/wait: \{for: /g)).toHaveLength(3);
  });
});
