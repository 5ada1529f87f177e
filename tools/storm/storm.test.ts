import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Op } from '../../harness/history/op.ts';
import { auditAppends } from './audit.ts';
import { NODE_PROGRAM } from './storm-nodes.ts';
import { storm } from './storm.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';

describe('a storm over three node processes', () => {
  const dir = temporaryFolder();
  const shape = { ratePerSecond: 200, signal: AbortSignal.timeout(50_000) };

  test('loses no acknowledged write, applies none twice, and leaves equal logs and states', async () => {
    const { counts, writes } = await storm({
      ...shape,
      seed: 1,
      writes: 300,
      dir: dir.path,
      program: NODE_PROGRAM,
    });
    expect(writes).toBeGreaterThanOrEqual(300);
    expect(counts.get('kills')).toBeGreaterThan(0);
    expect(counts.get('snapshots taken')).toBeGreaterThan(0);
  });

  test('exposes a node that acknowledges writes before they are on its disk', async () => {
    const program = fileURLToPath(
      new URL('../../test/support/mutants/acks-before-durable.ts', import.meta.url),
    );
    // Such a node may lose entries or its vote, and a reader may notice it first. A lack of progress is no proof.
    await expect(storm({ ...shape, seed: 1, writes: 4_000, dir: dir.path, program })).rejects.toThrow(
      /^(durability|linearizability: violation|lost|(election|state-machine)-safety|log-matching|leader-completeness)\b/,
    );
  });
});

describe('the audit of appends', () => {
  const append = (input: string, outcome: Op['outcome']): Op => ({
    id: 0,
    process: 0,
    key: 'a0.0',
    f: 'append',
    input,
    call: 0,
    return: 1,
    outcome,
    node: 'n1',
    attempts: 1,
  });
  const ops = [append('c0.0;', 'ok'), append('c0.1;', 'fail'), append('c0.2;', 'info')];
  const verdictOn = (value: string): (() => void) => {
    return () => auditAppends(ops, new Map([['a0.0', value]]));
  };

  test.each(['c0.0;', 'c0.0;c0.2;', 'c0.2;c0.0;'])('accepts the value %s', (value) => {
    expect(verdictOn(value)).not.toThrow();
  });
  test.each([
    ['', /^lost, though acknowledged: c0.0; of a0.0$/],
    ['c0.0;c0.0;', /^applied twice: c0.0; in a0.0$/],
    ['c0.0;c0.1;', /^applied, though refused: c0.1; of a0.0$/],
    ['c0.0;x;', /^a0.0 has a value that was never written: x;$/],
  ])('rejects the value %j', (value, complaint) => {
    expect(verdictOn(value)).toThrow(complaint);
  });
});
