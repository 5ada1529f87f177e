import { expect, test } from 'vitest';
import type { Op } from '../../history/op.ts';
import { FrontierSearch } from './frontier.ts';
import { stepsOf } from '../key.ts';
import { toParts } from '../parts.ts';
import { registerMachine } from './register-machine.ts';
import { WglSearch } from './wgl.ts';

const about = { process: 0, key: 'k', node: 'n1', attempts: 1 } as const;

test('an unknown write that does not change the value may hide another write', () => {
  // In order: append 0, read 0, delete 2, the unknown delete 0, append 0, append 2, cas.
  const ops: readonly Op[] = [
    { ...about, id: 1, f: 'append', input: '0', call: 0.47, return: 2.02, outcome: 'ok' },
    { ...about, id: 3, f: 'delete', input: '0', call: 0.62, return: Infinity, outcome: 'info' },
    { ...about, id: 4, f: 'append', input: '0', call: 0.94, return: 2.63, outcome: 'ok' },
    { ...about, id: 5, f: 'read', input: null, output: '0', call: 0.97, return: 1.16, outcome: 'ok' },
    { ...about, id: 6, f: 'delete', input: '2', call: 1.59, return: 3.05, outcome: 'ok' },
    { ...about, id: 8, f: 'append', input: '2', call: 2.88, return: 5.66, outcome: 'ok' },
    { ...about, id: 11, f: 'cas', input: ['002', '2'], call: 4.31, return: 6.07, outcome: 'ok' },
  ];
  const { columns } = toParts(ops)[0]!;
  const machine = registerMachine(stepsOf(columns));
  const { call, ret, certain } = columns;
  const problem = { machine, steps: machine.steps, call, ret, certain };
  for (const search of [new FrontierSearch(problem, 1 << 26), new WglSearch(problem, 1 << 26)])
    expect(search.run(Infinity)).toMatchObject({ verdict: 'linearizable' });
});
