import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../event.ts';
import type { LinkCondition, LinkId } from '../ports/links.ts';
import { GoneLinks } from '../stage/sim/testing/gone-links.ts';
import { simLinks } from '../stage/sim/testing/sim-links.ts';
import { LinkLedger } from './link-ledger.ts';
import { sumConditions } from './link-sum.ts';

const NODES = ['n1', 'n2', 'n3'];
const link: LinkId = { from: 'n1', to: 'n2' };
const newLedger = (links = new GoneLinks(simLinks(NODES)), events: HarnessEvent[] = []) =>
  new LinkLedger(
    links,
    () => 0,
    (event) => events.push(event),
  );

describe('the condition of a link is the sum of its live faults', () => {
  it('delays and jitters add', () => {
    const delay = (latencyMs: number, jitterMs: number): LinkCondition => ({
      delay: { latencyMs, jitterMs },
    });
    expect(sumConditions([delay(5, 1), delay(20, 10)])).toEqual(delay(25, 11));
  });
  it('the strongest cut wins', () => {
    expect(sumConditions([{ cut: 'blackhole' }, { cut: 'refuse' }])).toEqual({ cut: 'refuse' });
    expect(sumConditions([{ cut: 'blackhole' }, {}])).toEqual({ cut: 'blackhole' });
  });
  it('the narrowest bandwidth and the smallest slices win', () => {
    const slice = { averageBytes: 64, variationBytes: 8, delayUs: 100 };
    const sum = sumConditions([
      { bandwidthKBps: 64, slice },
      { bandwidthKBps: 8, slice: { ...slice, averageBytes: 16 } },
    ]);
    expect(sum).toEqual({ bandwidthKBps: 8, slice: { averageBytes: 16, variationBytes: 8, delayUs: 200 } });
  });
  it('without faults a link is clean', () => expect(sumConditions([])).toEqual({}));
});

const condition: fc.Arbitrary<LinkCondition> = fc.oneof(
  fc.constantFrom<LinkCondition>({ cut: 'blackhole' }, { cut: 'refuse' }),
  fc.record({ latencyMs: fc.nat(500), jitterMs: fc.nat(50) }).map((delay) => ({ delay })),
  fc.integer({ min: 1, max: 1_000 }).map((bandwidthKBps) => ({ bandwidthKBps })),
);
const twin = simLinks(NODES);
const command = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      handle: fc.nat(4),
      links: fc.subarray([...twin.links], { minLength: 1 }),
      condition,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lift' as const), handle: fc.nat(4) }) },
);

describe('the ledger gives the same conditions as a simple model', () => {
  it('after any overlapping puts and lifts, the condition of every link is the sum over a list of live faults', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 30 }), fc.boolean(), async (commands, overlapping) => {
        const links = new GoneLinks(simLinks(NODES));
        const ledger = newLedger(links);
        let live: { handle: number; link: LinkId; condition: LinkCondition }[] = [];
        const calls: Promise<void>[] = [];
        for (const step of commands) {
          if (step.do === 'put') {
            for (const each of step.links)
              live = [
                ...live.filter((old) => old.handle !== step.handle || old.link !== each),
                { handle: step.handle, link: each, condition: step.condition },
              ];
            calls.push(
              ledger.put(
                `h${step.handle}`,
                step.links.map((each) => links.links[twin.links.indexOf(each)]!),
                step.condition,
              ),
            );
          } else {
            live = live.filter((old) => old.handle !== step.handle);
            calls.push(ledger.lift(`h${step.handle}`));
          }
          if (!overlapping) await calls.at(-1);
        }
        await Promise.all(calls);
        for (const [i, each] of twin.links.entries()) {
          const expected = sumConditions(live.filter((old) => old.link === each).map((old) => old.condition));
          expect(links.condition(links.links[i]!)).toEqual(expected);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('the ledger reports what the server confirmed', () => {
  it('a change is reported as pending and then as confirmed; a call without a change is not reported', async () => {
    const events: HarnessEvent[] = [];
    const ledger = newLedger(new GoneLinks(simLinks(NODES)), events);
    await ledger.put('a', [link], { cut: 'blackhole' });
    await ledger.put('b', [link], { cut: 'blackhole' });
    await ledger.lift('a');
    await ledger.lift('b');
    expect(events).toEqual([
      { t: 0, type: 'link', link: 'n1->n2', pending: true, cut: 'blackhole' },
      { t: 0, type: 'link', link: 'n1->n2', pending: false, cut: 'blackhole' },
      { t: 0, type: 'link', link: 'n1->n2', pending: true },
      { t: 0, type: 'link', link: 'n1->n2', pending: false },
    ]);
  });
  it('a refused call rejects, and the next one applies everything again', async () => {
    const links = new GoneLinks(simLinks(NODES));
    const ledger = newLedger(links);
    await ledger.put('a', [link], { cut: 'blackhole' });
    links.gone = new Error('connect ECONNREFUSED');
    await expect(ledger.lift('a')).rejects.toThrow('ECONNREFUSED');
    links.gone = null;
    await ledger.put('b', [link], { cut: 'blackhole' });
    expect(links.condition(link)).toEqual({ cut: 'blackhole' });
  });
  it('a link that does not exist is an error that names the existing links', async () => {
    await expect(newLedger().put('a', [{ from: 'n1', to: 'n9' }], {})).rejects.toThrow(
      /no link n1->n9; there are n1->n2/,
    );
  });
});
