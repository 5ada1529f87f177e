import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadScenario } from '../language/load.ts';
import { Recording } from './recording.ts';

const TEXT = `apiVersion: chaos/v1
name: x
steps: []
expect: { always: { linearizable: false } }
`;

it('a recording parses to the steps that were recorded, parallel branches included', () => {
  const loaded = loadScenario('x.yaml', TEXT);
  if (!loaded.ok) throw new Error('it must load');
  const recording = new Recording();
  const kill = { at: '1.2s', kill: { node: '$old' }, 'on-empty': 'skip', as: 'yes', resolved: ['n1'] };
  const note = { note: 'a: "b"\n# c' };
  const wait = { wait: { until: { leader: { term: '> $old.term' } }, within: '3s' } };
  const steps = [kill, { parallel: [[note, wait], [{ parallel: [[note], [kill, wait]] }]] }, wait];
  recording.steps.push(...steps);
  expect(parse(recording.text(loaded.scenario, 7))).toEqual({
    apiVersion: 'chaos/v1',
    name: 'x',
    seed: 7,
    steps,
    expect: { always: { linearizable: false } },
  });
});

it('a recording without steps is a valid scenario', () => {
  const loaded = loadScenario('x.yaml', TEXT);
  if (!loaded.ok) throw new Error('it must load');
  expect(loadScenario('run.scenario.yaml', new Recording().text(loaded.scenario, 7)).ok).toBe(true);
});
