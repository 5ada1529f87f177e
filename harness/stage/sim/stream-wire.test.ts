import { describe, expect, it } from 'vitest';
import { nodeId } from '../../../node/raft/types.ts';
import type { ClientOperation } from '../../../node/protocol/client.ts';
import type { WireEnd } from '../../systems/raft/answers.ts';
import { SimCluster } from './cluster.ts';
import { CLIENTS } from './network.ts';
import type { SimServer } from './server.ts';
import { SHIPPED_PARTS } from './server.ts';
import { shippedTuning } from './stage.ts';
import { StreamWire } from './stream-wire.ts';
import { simLinks } from './testing/sim-links.ts';
import { VirtualTime } from './time.ts';
import { CALM } from './weather.ts';

const READ: ClientOperation = { type: 'read', key: 'k0' };
const LINK = { from: CLIENTS, to: 'n1' };

/** One node that leads, and a client's wire to it. */
async function setUp() {
  const time = new VirtualTime();
  const links = simLinks(['n1'], time);
  const sim = new SimCluster({
    size: 1,
    spares: 0,
    seed: 1,
    parts: SHIPPED_PARTS,
    tuning: shippedTuning({ electionTimeoutMs: [150, 300], heartbeatMs: 30 }),
    time,
    weather: CALM,
    streams: links,
    onReport: () => {},
    onBroken: (_id, error) => {
      throw error;
    },
  });
  const server: SimServer = sim.server(nodeId('n1'));
  server.start();
  await time.run(1_000);
  const wire = new StreamWire({ server, links, time });
  /**
   * Sends a request, runs `meanwhile` after some virtual time, and returns the result within 2 s and whether it was
   * sent.
   */
  async function ask(
    meanwhile: () => void | Promise<void> = () => {},
    afterMs = 0,
  ): Promise<[WireEnd | null, boolean]> {
    const ends: WireEnd[] = [];
    const asked = wire.ask(READ, (end) => void ends.push(end));
    await time.run(afterMs);
    await meanwhile();
    await time.run(2_000, () => ends.length > 0);
    return [ends[0] ?? null, asked.sent];
  }
  return { time, links, server, wire, ask };
}

const ANSWER = { type: 'answer', result: { type: 'value', value: null, present: false } };

describe('a client’s connection to a simulated node', () => {
  it('is opened when it is needed, and carries requests and answers', async () => {
    const { ask } = await setUp();
    expect(await ask()).toEqual([ANSWER, true]);
    expect(await ask()).toEqual([ANSWER, true]);
  });

  it('is closed for a node that does not run: nothing was sent', async () => {
    const { time, server, ask } = await setUp();
    server.crash('kill');
    expect(await ask()).toEqual([{ type: 'unsent', error: 'closed' }, false]);
    server.start();
    await time.run(1_000);
    expect(await ask()).toEqual([ANSWER, true]);
  });

  it('is refused if the link refuses', async () => {
    const { links, ask } = await setUp();
    await links.apply(LINK, { cut: 'refuse' });
    expect(await ask()).toEqual([{ type: 'unsent', error: 'refused' }, false]);
    await links.apply(LINK, {});
    expect(await ask()).toEqual([ANSWER, true]);
  });

  it.each(['a reset', 'a kill of the node'])(
    'loses the sent request with %s, and is opened again',
    async (how) => {
      const { time, links, server, ask } = await setUp();
      expect(await ask()).toEqual([ANSWER, true]);
      const lost = await ask(() => (how === 'a reset' ? links.reset(LINK) : server.crash('kill')));
      expect(lost).toEqual([{ type: 'lost' }, true]);
      server.startIfDown();
      await time.run(1_000);
      expect(await ask()).toEqual([ANSWER, true]);
    },
  );

  it('in a black hole gets no answer until the link is healed, which closes the connection', async () => {
    const { links, ask } = await setUp();
    expect(await ask()).toEqual([ANSWER, true]);
    await links.apply(LINK, { cut: 'blackhole' });
    expect(await ask()).toEqual([null, true]);
    expect(await ask(() => links.apply(LINK, {}))).toEqual([{ type: 'lost' }, true]);
    expect(await ask()).toEqual([ANSWER, true]);
  });

  it('that is opened in a black hole is never proved, so nothing is sent on it', async () => {
    const { links, ask } = await setUp();
    await links.apply(LINK, { cut: 'blackhole' });
    expect(await ask(() => links.apply(LINK, {}), 1_000)).toEqual([
      { type: 'unsent', error: 'closed' },
      false,
    ]);
  });

  it('reports nothing to a listener after its request was dropped or the wire was closed', async () => {
    const { time, wire } = await setUp();
    const heard: WireEnd[] = [];
    wire.ask(READ, (end) => void heard.push(end)).drop();
    wire.ask(READ, (end) => void heard.push(end));
    wire.close();
    await time.run(1_000);
    expect(heard).toEqual([]);
    expect(() => wire.ask(READ, () => {})).toThrow('this wire is closed');
  });
});
