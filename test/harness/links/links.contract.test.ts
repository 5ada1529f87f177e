import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execaNode } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanStale } from '../../../harness/links/clean.ts';
import { listJournals, readJournal } from '../../../harness/links/journal.ts';
import { allocateNodePorts, openLinks } from '../../../harness/links/open.ts';
import { linkName, type LinkCondition, type LinkId, type Links } from '../../../harness/ports/links.ts';
import type { ToxicSpec } from '../../../harness/links/toxics.ts';
import { request, scratchDir, SERVERS, startServer } from '../../support/servers.ts';
import { dial, refusal, Upstream, type Peer } from '../../support/sockets.ts';

const N1_N2: LinkId = { from: 'n1', to: 'n2' };
const N2_N1: LinkId = { from: 'n2', to: 'n1' };
const CLIENTS_N1: LinkId = { from: 'clients', to: 'n1' };

/** Link conditions of each kind, and combinations. */
const CONDITIONS: readonly (readonly [name: string, condition: LinkCondition])[] = [
  ['clean', {}],
  ['black hole', { cut: 'blackhole' }],
  ['refuse', { cut: 'refuse' }],
  ['delay', { delay: { latencyMs: 30, jitterMs: 5 } }],
  ['longer delay', { delay: { latencyMs: 50, jitterMs: 0 } }],
  ['bandwidth', { bandwidthKBps: 64 }],
  [
    'all shapes',
    {
      delay: { latencyMs: 20, jitterMs: 0 },
      bandwidthKBps: 32,
      slice: { averageBytes: 500, variationBytes: 50, delayUs: 100 },
    },
  ],
  [
    'slice and bandwidth',
    { bandwidthKBps: 32, slice: { averageBytes: 500, variationBytes: 50, delayUs: 100 } },
  ],
  ['black hole and delay', { cut: 'blackhole', delay: { latencyMs: 30, jitterMs: 5 } }],
];

interface Opened extends AsyncDisposable {
  readonly links: Links;
  readonly notes: readonly string[];
  readonly exits: readonly string[];
  /** Listens at the port of the node that a link leads to. */
  upstream(link: LinkId, kind?: 'echo'): Promise<Upstream>;
  /** Opens a connection over a link. Returns the end of the dialler and the end at the target. */
  connect(link: LinkId): Promise<readonly [Peer, Peer]>;
}

for (const { name, choice, missing } of SERVERS) {
  describe.skipIf(missing !== null)(`links over ${name}`, () => {
    const scratch = scratchDir();
    afterAll(() => scratch.remove());

    async function open(toxiproxy = choice, count = 3): Promise<Opened> {
      const notes: string[] = [];
      const exits: string[] = [];
      const nodes = await allocateNodePorts(count);
      const links = await openLinks({
        nodes,
        toxiproxy,
        cacheDir: scratch.path,
        signal: AbortSignal.timeout(30_000),
        onServerExit: (detail) => exits.push(detail),
        onNote: (text) => notes.push(text),
      });
      const upstreams = new Map<number, Upstream>();
      const upstream = async (link: LinkId, kind?: 'echo'): Promise<Upstream> => {
        const node = nodes.find(({ id }) => id === link.to)!;
        const port = link.from === 'clients' ? node.clientPort : node.peerPort;
        const there =
          upstreams.get(port) ?? (await (kind === 'echo' ? Upstream.echo(port) : Upstream.listen(port)));
        upstreams.set(port, there);
        return there;
      };
      return {
        links,
        notes,
        exits,
        upstream,
        async connect(link) {
          const far = await upstream(link);
          const dialer = await dial(links.address(link));
          return [dialer, await far.next()];
        },
        async [Symbol.asyncDispose]() {
          await Promise.all([...upstreams.values()].map((each) => each[Symbol.asyncDispose]()));
          await links[Symbol.asyncDispose]();
        },
      };
    }

    /** Reads the state of a link from the server directly. */
    async function onServer(
      links: Links,
      link: LinkId,
    ): Promise<{ enabled: boolean; toxics: readonly ToxicSpec[] }> {
      const response = await fetch(`${links.server.url}/proxies/${linkName(link)}`);
      const { enabled, toxics } = (await response.json()) as {
        enabled: boolean;
        toxics: readonly ToxicSpec[];
      };
      return { enabled, toxics: toxics.filter((toxic) => toxic.name !== 'reset') };
    }

    async function transit(sender: Peer, receiver: Peer, data: string): Promise<number> {
      const before = receiver.bytes;
      const started = performance.now();
      sender.send(data);
      return (await receiver.has(before + data.length)) - started;
    }

    test('name the server in use, and have one link per direction and one per node for clients', async () => {
      await using opened = await open();
      const { links } = opened;
      expect(links.server).toMatchObject({
        version: '2.12.0',
        kind: choice === 'builtin' ? 'builtin' : 'toxiproxy',
      });
      expect(links.links.map(linkName)).toEqual([
        'n1->n2',
        'n1->n3',
        'n2->n1',
        'n2->n3',
        'n3->n1',
        'n3->n2',
        'clients->n1',
        'clients->n2',
        'clients->n3',
      ]);
      expect(new Set(links.links.map((link) => links.address(link))).size).toBe(9);
      expect(() => links.address({ from: 'n1', to: 'n9' })).toThrow(
        'there is no link n1->n9; there are: n1->n2 ',
      );
    });

    test('connect five nodes with twenty links between nodes and five for clients', async () => {
      await using opened = await open(choice, 5);
      expect(opened.links.links).toHaveLength(25);
      const [dialer, far] = await opened.connect({ from: 'n5', to: 'n1' });
      await transit(dialer, far, 'hello');
    });

    test.each(CONDITIONS)(
      'have exactly the toxics of the new condition after a change from %s to any other',
      async (_, from) => {
        await using opened = await open();
        const { links } = opened;
        for (const link of [N1_N2, CLIENTS_N1]) {
          const streams = link === CLIENTS_N1 ? ['upstream', 'downstream'] : ['upstream'];
          for (const [, to] of CONDITIONS) {
            await links.apply(link, from);
            await links.apply(link, to);
            const { enabled, toxics } = await onServer(links, link);
            expect(enabled).toBe(to.cut !== 'refuse');
            for (const stream of ['upstream', 'downstream']) {
              const shaping = toxics.filter((toxic) => toxic.stream === stream && toxic.type !== 'timeout');
              const blackholes = toxics.filter(
                (toxic) => toxic.stream === stream && toxic.type === 'timeout',
              );
              expect(blackholes.map((toxic) => toxic.attributes)).toEqual(
                to.cut === 'blackhole' ? [{ timeout: 0 }] : [],
              );
              const wanted = streams.includes(stream) ? expectedShape(to) : [];
              expect(shaping.map((toxic) => [toxic.type, toxic.attributes, toxic.toxicity])).toEqual(wanted);
            }
          }
        }
      },
    );

    test('run the calls for one link one after the other, so that the last one wins', async () => {
      await using opened = await open();
      const { links } = opened;
      await Promise.all(
        [...CONDITIONS, ['last', { bandwidthKBps: 7 }] as const].map(([, condition]) =>
          links.apply(N1_N2, condition),
        ),
      );
      expect(await onServer(links, N1_N2)).toMatchObject({
        enabled: true,
        toxics: [{ type: 'bandwidth', attributes: { rate: 7 } }],
      });
    });

    test('pass no byte in a black-holed direction, also on new connections, and all bytes in the other', async () => {
      await using opened = await open();
      const { links } = opened;
      const [there, thereFar] = await opened.connect(N1_N2);
      const [back, backFar] = await opened.connect(N2_N1);
      await transit(there, thereFar, 'before');
      await links.apply(N1_N2, { cut: 'blackhole' });
      const [fresh, freshFar] = await opened.connect(N1_N2);
      for (let i = 0; i < 50; i++) {
        there.send('lost');
        fresh.send('lost');
        // An answer on the same connection does not get through either, because it would show that the node is alive.
        thereFar.send('answer');
        await transit(back, backFar, 'flows');
      }
      expect([thereFar.text, freshFar.text, there.text]).toEqual(['before', '', '']);
      expect(backFar.text).toBe('flows'.repeat(50));
    });

    test('close the connections in a black hole when it is healed, and new ones work', async () => {
      await using opened = await open();
      const [dialer, far] = await opened.connect(N1_N2);
      await opened.links.apply(N1_N2, { cut: 'blackhole' });
      dialer.send('lost');
      await opened.links.apply(N1_N2, {});
      await Promise.all([dialer.ended, far.ended]);
      expect(far.text).toBe('');
      const [again, there] = await opened.connect(N1_N2);
      await transit(again, there, 'hello');
    });

    test('let no byte through when the other conditions of a cut link change', async () => {
      await using opened = await open();
      const { links } = opened;
      await links.apply(N1_N2, { cut: 'blackhole' });
      const [dialer, far] = await opened.connect(N1_N2);
      const hammer = setInterval(() => dialer.send('x'), 1);
      // A fast machine may finish before the timer has fired often, so this repeats until bytes could have leaked.
      do {
        for (const [, condition] of CONDITIONS) await links.apply(N1_N2, { ...condition, cut: 'blackhole' });
      } while (dialer.socket.bytesWritten <= 10);
      clearInterval(hammer);
      expect(far.text).toBe('');
    });

    test('cut with refuse close connections and refuse new ones, and heal at the same address', async () => {
      await using opened = await open();
      const { links } = opened;
      const [dialer, far] = await opened.connect(N1_N2);
      await links.apply(N1_N2, { cut: 'refuse' });
      await Promise.all([dialer.ended, far.ended]);
      expect(await refusal(links.address(N1_N2))).toBe('ECONNREFUSED');
      await links.apply(N1_N2, {});
      const [again, there] = await opened.connect(N1_N2);
      await transit(again, there, 'hello');
    });

    test('delay open connections once on a link between nodes, and in both directions on a client link', async () => {
      await using opened = await open();
      const { links } = opened;
      const [peer, peerFar] = await opened.connect(N1_N2);
      const [client, node] = await opened.connect(CLIENTS_N1);
      const delay = { latencyMs: 200, jitterMs: 0 };
      await Promise.all([links.apply(N1_N2, { delay }), links.apply(CLIENTS_N1, { delay })]);
      expect(await transit(peer, peerFar, 'x')).toBeGreaterThan(199);
      expect(await transit(peerFar, peer, 'x')).toBeLessThan(150);
      const request = await transit(client, node, 'x');
      const answer = await transit(node, client, 'x');
      for (const took of [request, answer]) {
        expect(took).toBeGreaterThan(199);
        expect(took).toBeLessThan(380);
      }
    });

    test('reset open connections at both ends, and let new ones through', async () => {
      await using opened = await open();
      const { links } = opened;
      const [dialer, far] = await opened.connect(N1_N2);
      const [other, otherFar] = await opened.connect(N2_N1);
      await transit(dialer, far, 'x');
      await links.reset(N1_N2);
      expect(await Promise.all([dialer.ended, far.ended])).toEqual(['ECONNRESET', 'ECONNRESET']);
      const [again, there] = await opened.connect(N1_N2);
      await transit(again, there, 'hello');
      await transit(other, otherFar, 'untouched');
    });

    test('keep their condition during a reset', async () => {
      await using opened = await open();
      await opened.links.apply(N1_N2, { delay: { latencyMs: 150, jitterMs: 0 } });
      await opened.links.reset(N1_N2);
      const [dialer, far] = await opened.connect(N1_N2);
      expect(await transit(dialer, far, 'x')).toBeGreaterThan(149);
    });

    test('report the bytes of a link after its connections have ended', async () => {
      await using opened = await open();
      const [dialer, far] = await opened.connect(N1_N2);
      await transit(dialer, far, 'x'.repeat(1_000));
      dialer.socket.end();
      await Promise.all([far.ended, dialer.ended]);
      const bytes = async () =>
        (await opened.links.traffic()).find(({ link }) => linkName(link) === 'n1->n2');
      await expect
        .poll(bytes, { timeout: 5_000 })
        .toEqual({ link: N1_N2, receivedBytes: 1_000, sentBytes: 1_000 });
      expect((await opened.links.traffic()).filter(({ receivedBytes }) => receivedBytes > 0)).toHaveLength(1);
    });

    test('change within the deadline even if the receiver does not read', async () => {
      await using opened = await open();
      const { links, notes } = opened;
      const [dialer, far] = await opened.connect(N1_N2);
      far.socket.pause();
      const block = Buffer.alloc(1_000_000);
      // Fills every buffer on the way until nothing moves, as with a paused node and a busy peer.
      for (
        let still = 0, last = -1;
        still < 20;
        still = dialer.socket.bytesWritten - dialer.socket.writableLength === last ? still + 1 : 0
      ) {
        last = dialer.socket.bytesWritten - dialer.socket.writableLength;
        if (dialer.socket.writableLength < block.length) dialer.send(block);
        await links.traffic();
      }
      const started = performance.now();
      await links.apply(N1_N2, { delay: { latencyMs: 100, jitterMs: 0 } });
      expect(performance.now() - started).toBeLessThan(5_000);
      expect(await onServer(links, N1_N2)).toMatchObject({ enabled: true, toxics: [{ type: 'latency' }] });
      // The built-in server does not hang in this case.
      const told =
        choice === 'builtin' ? /^$/ : /n1->n2: Toxiproxy did not answer within 2000 ms.*made again/;
      expect(notes.join()).toMatch(told);
      const [again, there] = await opened.connect(N1_N2);
      expect(await transit(again, there, 'x')).toBeGreaterThan(99);
    });

    test('are disposed of idempotently, and leave no port, process or journal behind', async () => {
      const opened = await open();
      const { links } = opened;
      await links.apply(N1_N2, { cut: 'refuse' });
      const addresses = [...links.links.map((link) => links.address(link)), new URL(links.server.url).host];
      expect(journal(scratch.path)).toHaveLength(1);
      await Promise.all([links[Symbol.asyncDispose](), links[Symbol.asyncDispose]()]);
      await opened[Symbol.asyncDispose]();
      for (const address of addresses) expect(await refusal(address)).toBe('ECONNREFUSED');
      expect(journal(scratch.path)).toEqual([]);
      expect(opened.exits).toEqual([]);
    });

    test('report at once that the server ended; calls then fail with a message, and dispose works', async () => {
      await using opened = await open();
      const [pid] = journal(scratch.path);
      process.kill(pid!, 'SIGKILL');
      await expect
        .poll(() => opened.exits, { timeout: 5_000 })
        .toEqual([expect.stringContaining('ended: SIGKILL')]);
      await expect(opened.links.apply(N1_N2, { cut: 'blackhole' })).rejects.toThrow(/nothing listens there/);
    });

    test('fail a call within the deadline if the server is paused', async () => {
      await using opened = await open();
      const [pid] = journal(scratch.path);
      process.kill(pid!, 'SIGSTOP');
      const started = performance.now();
      await expect(opened.links.apply(N1_N2, { cut: 'blackhole' })).rejects.toThrow(
        'did not answer within 2000 ms',
      );
      expect(performance.now() - started).toBeLessThan(7_000);
    });

    test('leave nothing behind if they are aborted while they open', async () => {
      const nodes = await allocateNodePorts(3);
      const reason = new Error('enough');
      const options = {
        nodes,
        toxiproxy: choice,
        cacheDir: scratch.path,
        onServerExit: () => {},
        onNote: () => {},
      };
      await expect(openLinks({ ...options, signal: AbortSignal.abort(reason) })).rejects.toThrow(reason);
      const later = new AbortController();
      const opening = openLinks({ ...options, signal: later.signal });
      setTimeout(() => later.abort(reason), 15);
      await expect(opening).rejects.toThrow(reason);
      expect(journal(scratch.path)).toEqual([]);
    });

    test('the links of four runs at once, two of them in other processes, share nothing and do not disturb each other', async () => {
      await using first = await open();
      await using second = await open();
      await using third = hold(choice, scratch.path);
      await using fourth = hold(choice, scratch.path);
      const others = await Promise.all([third.ready, fourth.ready]);
      const addresses = [first, second].flatMap(({ links }) =>
        links.links.map((link) => links.address(link)),
      );
      const all = [...addresses, ...others.flatMap((other) => other.addresses)];
      expect(new Set(all).size).toBe(4 * 9);
      expect(
        new Set([first.links.server.url, second.links.server.url, ...others.map(({ url }) => url)]).size,
      ).toBe(4);
      const [dialer, far] = await second.connect(N1_N2);
      await first.links.apply(N1_N2, { cut: 'blackhole' });
      await transit(dialer, far, 'flows');
      await first.links[Symbol.asyncDispose]();
      await transit(dialer, far, 'flows on');
    });

    test('end their server if the harness is killed (SIGKILL)', async () => {
      await using held = hold(choice, scratch.path);
      const { url, addresses } = await held.ready;
      held.child.kill('SIGKILL');
      await held.child;
      // First its API, because a connection to a proxy would make it log and notice that its output is closed.
      await expect.poll(() => refusal(new URL(url).host), { timeout: 10_000 }).toBe('ECONNREFUSED');
      for (const address of addresses) expect(await refusal(address)).toBe('ECONNREFUSED');
      await cleanStale(scratch.path);
      expect(readdirSync(join(scratch.path, 'runs'))).toEqual([]);
    });

    test('touch only their own proxies on an external server, also in two runs at once', async () => {
      const server = await startServer(choice, scratch.path);
      try {
        await request(server, 'POST', '/proxies', { name: 'n1->n2', listen: '127.0.0.1:0', upstream: 'x:1' });
        await request(server, 'POST', '/proxies/n1->n2/toxics', { type: 'latency' });
        const before = (await request(server, 'GET', '/proxies')).json;
        const [first, second] = await Promise.all([open(server.url), open(server.url)]);
        expect(first.links.server).toEqual({ kind: 'external', version: '2.12.0', url: server.url });
        const [dialer, far] = await second.connect(N1_N2);
        await first.links.apply(N1_N2, { cut: 'blackhole' });
        await transit(dialer, far, 'flows');
        expect(Object.keys((await request(server, 'GET', '/proxies')).json as object)).toHaveLength(
          1 + 2 * 9,
        );
        await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
        expect((await request(server, 'GET', '/proxies')).json).toEqual(before);
      } finally {
        await server.stop();
      }
    });
  });
}

test('a URL where no Toxiproxy answers and a missing binary give an error that says what to do', async () => {
  const nodes = await allocateNodePorts(3);
  const scratch = scratchDir();
  const options = {
    nodes,
    cacheDir: scratch.path,
    signal: AbortSignal.timeout(30_000),
    onServerExit: () => {},
    onNote: () => {},
  };
  await expect(openLinks({ ...options, toxiproxy: 'http://127.0.0.1:9' })).rejects.toThrow(
    'no Toxiproxy answers at http://127.0.0.1:9: start one there, or leave --toxiproxy and CHAOS_TOXIPROXY_URL out',
  );
  await expect(openLinks({ ...options, toxiproxy: '/nowhere/toxiproxy-server' })).rejects.toThrow(
    '--toxiproxy /nowhere/toxiproxy-server: no such program',
  );
  await expect(openLinks({ ...options, toxiproxy: process.execPath })).rejects.toThrow(
    /Toxiproxy did not start: .* ended: exit code/,
  );
  scratch.remove();
});

function expectedShape(condition: LinkCondition): readonly unknown[] {
  const { delay, bandwidthKBps, slice } = condition;
  return [
    ...(delay === undefined ? [] : [['latency', { latency: delay.latencyMs, jitter: delay.jitterMs }, 1]]),
    ...(bandwidthKBps === undefined ? [] : [['bandwidth', { rate: bandwidthKBps }, 1]]),
    ...(slice === undefined
      ? []
      : [
          [
            'slicer',
            { average_size: slice.averageBytes, size_variation: slice.variationBytes, delay: slice.delayUs },
            1,
          ],
        ]),
  ];
}

/** The servers that the journal lists as started by this process. */
function journal(cacheDir: string): readonly number[] {
  const own = listJournals(join(cacheDir, 'runs')).filter(({ pid }) => pid === process.pid);
  return own.flatMap(({ file }) => readJournal(file)?.processes ?? []).map(({ pid }) => pid);
}

interface Held {
  readonly url: string;
  readonly addresses: readonly string[];
}

/** Opens links in a separate process. */
function hold(choice: string, cacheDir: string) {
  const child = execaNode(new URL('hold-links.ts', import.meta.url), [choice, cacheDir], {
    reject: false,
    buffer: false,
  });
  const ready = once(child.stdout, 'data').then(([line]) => JSON.parse(String(line)) as Held);
  return {
    child,
    ready,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await child;
    },
  };
}
