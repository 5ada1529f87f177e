import { describe, expect, it } from 'vitest';
import { buildStep } from './build.ts';
import { loadScenario } from './load.ts';
import type { Known } from './schema.ts';

const known: Known = { nodes: 3, handles: new Set(['cut']), names: new Set(['old']) };
const problemsOf = (raw: Record<string, unknown>): readonly string[] => {
  const built = buildStep(raw, known);
  return built.ok ? [] : built.problems;
};

describe('a step from an object', () => {
  it('is the step that a file would give, but for its line', () => {
    const raw = {
      partition: { halves: [['leader'], 'rest'], mode: 'refuse' },
      for: '1s..2s',
      as: 'split',
      bind: 'cut-off',
      'on-empty': 'skip',
    };
    const text = `apiVersion: chaos/v1\nname: x\nsteps: [${JSON.stringify(raw)}]\n`;
    const loaded = loadScenario('x.yaml', text);
    const built = buildStep(raw, known);
    if (!loaded.ok || !built.ok) throw new Error('both must be right');
    expect(built.step).toEqual({ ...loaded.scenario.steps[0], line: 0 });
  });
  it('may use the names and faults of the run', () => {
    expect(problemsOf({ kill: '$old' })).toEqual([]);
    expect(problemsOf({ heal: 'cut' })).toEqual([]);
  });
  it('is checked by the rules of a file, each mistake with its hint', () => {
    expect(problemsOf({ kill: 'leadr' })).toEqual(['unknown selector `leadr` (did you mean `leader`?)']);
    expect(problemsOf({ kill: '$older' })).toEqual([
      'nothing before this binds `$older` (did you mean `$old`?)',
    ]);
    expect(problemsOf({ heal: 'cutt' })).toEqual([
      'no fault before this is named `cutt` (did you mean `cut`?)',
    ]);
    expect(problemsOf({ kill: 'n4' })).toEqual(['there is no node `n4` (the cluster has n1 to n3)']);
    expect(problemsOf({ partition: { ring: 'all' } })).toEqual([
      'a ring of 3 nodes cuts nothing (give the cluster at least 4 nodes)',
    ]);
    expect(problemsOf({ kill: 'n1', pause: 'n2' })).toEqual([
      'a second verb in one step: `pause` beside `kill` (make it a step of its own)',
    ]);
  });
  it('keeps its values as they are: none is read as YAML', () => {
    const built = buildStep({ note: 'null: [a, #b' }, known);
    expect(built.ok && built.step).toMatchObject({ kind: 'note', note: 'null: [a, #b' });
  });
});
