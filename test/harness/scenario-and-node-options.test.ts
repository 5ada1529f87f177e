import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadScenario } from '../../harness/scenario/language/load.ts';
import { parseOptions } from '../../node/server/options.ts';

/** Whether the node starts with these times, as the harness passes them. */
function nodeTakes(min: number, max: number, heartbeat: number): boolean {
  try {
    parseOptions([
      '--id=n1',
      '--peer-listen=127.0.0.1:0',
      '--client-listen=127.0.0.1:0',
      '--data=/nowhere',
      '--bootstrap',
      `--election-timeout=${min}..${max}`,
      `--heartbeat=${heartbeat}`,
    ]);
    return true;
  } catch {
    return false;
  }
}

function loaderTakes(raft: string): boolean {
  const text = `apiVersion: chaos/v1\nname: x\ncluster: { raft: { ${raft} } }\nsteps: []\n`;
  return loadScenario('x.yaml', text).ok;
}

const ms = fc.oneof(
  fc.integer({ min: 0, max: 1_200 }),
  fc.constantFrom(
    0,
    0.5,
    1,
    49,
    50,
    51,
    99,
    100,
    101,
    59_999,
    60_000,
    60_001,
    120_000,
    599_999,
    600_000,
    600_001,
  ),
);

it('a scenario may have the election timeouts and heartbeats that the node starts with, and no others', () => {
  fc.assert(
    fc.property(ms, ms, ms, (min, max, heartbeat) => {
      // A range backwards is a mistake of any range.
      const [low, high] = min <= max ? [min, max] : [max, min];
      const both = `election-timeout: ${low}ms..${high}ms, heartbeat: ${heartbeat}ms`;
      expect(loaderTakes(both)).toBe(nodeTakes(low, high, heartbeat));
      expect(loaderTakes(`election-timeout: ${low}ms..${high}ms`)).toBe(nodeTakes(low, high, 50));
      expect(loaderTakes(`heartbeat: ${heartbeat}ms`)).toBe(nodeTakes(300, 600, heartbeat));
    }),
    { numRuns: 1_000 },
  );
});
