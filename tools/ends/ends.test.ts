import { expect, it } from 'vitest';
import { endRun, KINDS, type Kind } from './end-run.ts';

it.each(Object.keys(KINDS) as Kind[])(
  'a run that a signal ends %s ends soon, leaves nothing, and all it writes agrees with its exit code',
  async (kind) => {
    expect((await endRun(kind, 3)).findings).toEqual([]);
  },
);
