import { describe, expect, it } from 'vitest';
import type { LinkId } from '../../ports/links.ts';
import type { SimLinks } from './links.ts';
import { CLIENTS } from './network.ts';
import { simLinks } from './testing/sim-links.ts';
import { VirtualTime } from './time.ts';

const N1_N2: LinkId = { from: 'n1', to: 'n2' };
const CLIENTS_N1: LinkId = { from: CLIENTS, to: 'n1' };
/** Maximum delay of a clean link, in virtual ms. */
const CLEAN_MS = 0.4;

function setUp(): { time: VirtualTime; links: SimLinks; transit: typeof transit } {
  const time = new VirtualTime();
  const links = simLinks(['n1', 'n2', 'n3'], time);
  /**
   * Sends bytes over a new connection; returns the number of ms until they arrive, or null if they do not within 10 s.
   */
  async function transit(from: string, to: string, bytes = 100): Promise<number | null> {
    const sentMs = time.now();
    let arrivedMs: number | null = null;
    links.stream(from, to).carry(bytes, () => (arrivedMs = time.now()));
    await time.run(10_000, () => arrivedMs !== null);
    return arrivedMs === null ? null : arrivedMs - sentMs;
  }
  return { time, links, transit };
}
const bytesOf = async (links: SimLinks, link: LinkId): Promise<readonly [received: number, sent: number]> => {
  const all = await links.traffic();
  const found = all.find((each) => each.link.from === link.from && each.link.to === link.to)!;
  return [found.receivedBytes, found.sentBytes];
};

describe('simulated links', () => {
  it('are one per direction and one per node for clients, each with its own address', () => {
    const { links } = setUp();
    expect(links.links).toHaveLength(9);
    expect(new Set(links.links.map((link) => links.address(link))).size).toBe(9);
    expect(() => links.address({ from: 'n1', to: 'n9' })).toThrow('there is no link n1->n9');
  });

  it('pass no byte in a black-holed direction, and count them; the other direction flows', async () => {
    const { links, transit } = setUp();
    await links.apply(N1_N2, { cut: 'blackhole' });
    expect(await transit('n1', 'n2')).toBeNull();
    expect(await bytesOf(links, N1_N2)).toEqual([100, 0]);
    expect(await transit('n2', 'n1')).toBeLessThanOrEqual(CLEAN_MS);
    await links.apply(N1_N2, {});
    expect(await transit('n1', 'n2')).toBeLessThanOrEqual(CLEAN_MS);
    expect(await bytesOf(links, N1_N2)).toEqual([200, 100]);
  });

  it('drop the bytes in transit when they are cut', async () => {
    const { time, links } = setUp();
    let arrived = false;
    await links.apply(N1_N2, { delay: { latencyMs: 50, jitterMs: 0 } });
    links.stream('n1', 'n2').carry(10, () => (arrived = true));
    await time.run(10);
    await links.apply(N1_N2, { cut: 'blackhole' });
    await time.run(100);
    expect(arrived).toBe(false);
  });

  it('close the connections in a black hole when it is healed, not before', async () => {
    const { links } = setUp();
    let breaks = 0;
    links.onBreak(CLIENTS_N1, () => breaks++);
    await links.apply(CLIENTS_N1, { cut: 'blackhole' });
    await links.apply(CLIENTS_N1, { cut: 'blackhole', bandwidthKBps: 1 });
    expect(breaks).toBe(0);
    await links.apply(CLIENTS_N1, {});
    expect(breaks).toBe(1);
  });

  it('close connections and pass no byte when they are cut with refuse', async () => {
    const { links, transit } = setUp();
    let breaks = 0;
    links.onBreak(N1_N2, () => breaks++);
    await links.apply(N1_N2, { cut: 'refuse' });
    expect(breaks).toBe(1);
    expect(await transit('n1', 'n2')).toBeNull();
    expect(await bytesOf(links, N1_N2)).toEqual([0, 0]);
    await links.apply(N1_N2, {});
    expect(await transit('n1', 'n2')).not.toBeNull();
  });

  it('delay once on a link between nodes, in both directions on a client link, and keep the order', async () => {
    const { time, links, transit } = setUp();
    for (const link of [N1_N2, CLIENTS_N1])
      await links.apply(link, { delay: { latencyMs: 20, jitterMs: 10 } });
    for (const [from, to] of [['n1', 'n2'], [CLIENTS, 'n1'], ['n1', CLIENTS]] as const) {
      const ms = (await transit(from, to))!;
      expect(ms).toBeGreaterThan(10);
      expect(ms).toBeLessThanOrEqual(30 + CLEAN_MS);
    } // prettier-ignore
    expect(await transit('n2', 'n1')).toBeLessThanOrEqual(CLEAN_MS);
    const arrived: number[] = [];
    const stream = links.stream('n1', 'n2');
    for (let i = 0; i < 50; i++) stream.carry(10, () => arrived.push(i));
    await time.run(100);
    expect(arrived).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('limit the bandwidth of each connection separately', async () => {
    const { time, links, transit } = setUp();
    await links.apply(N1_N2, { bandwidthKBps: 64 });
    const ms = (await transit('n1', 'n2', 6_400))!;
    expect(ms).toBeGreaterThanOrEqual(100);
    expect(ms).toBeLessThanOrEqual(100 + CLEAN_MS);
    const stream = links.stream('n1', 'n2');
    const fromMs = time.now();
    const took: number[] = [];
    for (let i = 0; i < 3; i++) stream.carry(640, () => took.push(Math.round(time.now() - fromMs)));
    expect(await transit('n1', 'n2', 64)).toBeLessThanOrEqual(1 + CLEAN_MS);
    await time.run(100);
    expect(took).toEqual([10, 20, 30]);
  });

  it('pause between the pieces of a slice', async () => {
    const { links, transit } = setUp();
    await links.apply(N1_N2, { slice: { averageBytes: 100, variationBytes: 0, delayUs: 2_000 } });
    const ms = (await transit('n1', 'n2', 1_000))!;
    expect(ms).toBeGreaterThanOrEqual(20);
    expect(ms).toBeLessThanOrEqual(20 + CLEAN_MS);
  });

  it('reset open connections, accept new ones, and keep their condition', async () => {
    const { time, links, transit } = setUp();
    const condition = { delay: { latencyMs: 30, jitterMs: 0 } };
    await links.apply(N1_N2, condition);
    let arrived = false;
    let breaks = 0;
    links.onBreak(N1_N2, () => breaks++);
    const stream = links.stream('n1', 'n2');
    stream.carry(10, () => (arrived = true));
    await links.reset(N1_N2);
    stream.carry(10, () => (arrived = true));
    await time.run(100);
    expect([arrived, breaks]).toEqual([false, 1]);
    expect(links.condition(N1_N2)).toEqual(condition);
    expect(await transit('n1', 'n2')).toBeGreaterThan(30);
  });

  it('heal when they are disposed of', async () => {
    const { links, transit } = setUp();
    await links.apply(N1_N2, { cut: 'refuse' });
    await links[Symbol.asyncDispose]();
    await links[Symbol.asyncDispose]();
    expect(await transit('n1', 'n2')).not.toBeNull();
  });
});
