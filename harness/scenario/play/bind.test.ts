import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../event.ts';
import { allLinks, linkName } from '../../ports/links.ts';
import { play } from '../../stage/sim/testing/play.ts';
import { formatErrors, loadScenario } from '../language/load.ts';

const head = `apiVersion: chaos/v1
name: ends
seed: 3
cluster: { nodes: 5 }
workload: { clients: 4, rate: 100/s, routing: leader }
expect: { always: { linearizable: false, invariants: none }, not-vacuous: { faults-observed: 1 } }
steps:
`;
const confirmed = (events: readonly HarnessEvent[], id: string) => {
  const fault = events.find(
    (event) => event.type === 'fault' && event.id === id && event.state === 'confirmed',
  );
  if (fault?.type !== 'fault') throw new Error(`${id} was not confirmed`);
  return fault;
};

/** Every link between the two groups, both ways. */
function between(group: ReadonlySet<string>): readonly string[] {
  const nodes = ['n1', 'n2', 'n3', 'n4', 'n5'];
  const peers = allLinks(nodes).filter(({ from }) => from !== 'clients');
  return peers.filter(({ from, to }) => group.has(from) !== group.has(to)).map(linkName);
}

describe('a name that is bound on a fault on links', () => {
  it('names both ends, so that the partition that is made is the one that was written', async () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const { events } = await play(
        `${head}  - delay: { from: leader, to: follower, add: 1ms }\n    bind: pair\n    as: slow\n    for: 40ms
  - wait: { for: 100ms }\n  - partition: { halves: [$pair, rest] }\n    as: cut\n  - wait: { for: 100ms }\n`,
        { seed },
      );
      const [slow] = confirmed(events, 'slow').links;
      const pair = new Set(slow!.split('->'));
      expect(pair.size).toBe(2);
      expect(confirmed(events, 'cut').links.toSorted()).toEqual(between(pair).toSorted());
    }
  });
  it('or one end each: the link back between the two is the one that is cut', async () => {
    for (const seed of [1, 2, 3]) {
      const { events } = await play(
        `${head}  - delay: { from: any, to: any, add: 1ms }\n    bind: { from: a, to: b }\n    as: there
  - cut: { from: $b, to: $a }\n    as: back\n  - wait: { for: 50ms }\n`,
        { seed },
      );
      const [from, to] = confirmed(events, 'there').links[0]!.split('->');
      expect(confirmed(events, 'back').links).toEqual([`${to}->${from}`]);
    }
  });
});

it('the recorded run of a fault between two random ends takes both ends again', async () => {
  const steps = '  - cut: { from: any, to: any }\n    as: back\n  - wait: { for: 50ms }\n';
  const { events, outcome } = await play(`${head}${steps}`, { seed: 11 });
  const { links } = confirmed(events, 'back');
  for (const seed of [12, 13, 14, 15]) {
    const again = await play(outcome.flat, { seed });
    expect(confirmed(again.events, 'back').links).toEqual(links);
  }
  const loaded = loadScenario('flat.yaml', outcome.flat);
  expect(loaded.ok ? '' : formatErrors(loaded)).toBe('');
});

it('halves that overlap only in this run make it inconclusive, and say which node is in two', async () => {
  const { outcome } = await play(`${head}  - partition: { halves: [leader, n1, n2, n3, n4, n5] }\n`);
  expect(outcome.exitCode).toBe(4);
  expect(outcome.sentence).toMatch(/n\d is in two of the halves/);
});

it('random groups of one step do not overlap while there are enough nodes', async () => {
  for (const seed of [1, 2, 3, 4]) {
    const { events } = await play(
      `${head}  - partition: { halves: [majority, minority] }\n    as: cut\n  - wait: { for: 50ms }\n`,
      { seed },
    );
    expect(confirmed(events, 'cut').links).toHaveLength(12);
  }
});
