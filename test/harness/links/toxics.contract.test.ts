import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readProxyBytes } from '../../../harness/links/metrics.ts';
import type { RunningServer } from '../../../harness/links/server.ts';
import { request, scratchDir, SERVERS, startServer } from '../../support/servers.ts';
import { dial, refusal, Upstream, type Peer } from '../../support/sockets.ts';

type Stream = 'upstream' | 'downstream';
const STREAMS: readonly Stream[] = ['upstream', 'downstream'];

/** Time by which anything may be late on a busy machine, in ms. */
const SLACK_MS = 250;

for (const { name, choice, missing } of SERVERS) {
  // The times are measured on real sockets, and a stall of the machine can spoil a try, so each test has three.
  describe.skipIf(missing !== null)(`the toxics of ${name}`, { retry: 2 }, () => {
    const scratch = scratchDir();
    let server: RunningServer;
    let proxies = 0;

    beforeAll(async () => {
      server = await startServer(choice, scratch.path);
    });
    afterAll(async () => {
      await server?.stop();
      scratch.remove();
    });

    /** Creates a proxy with a new upstream. */
    class Route implements AsyncDisposable {
      readonly proxy: string;
      readonly upstream: Upstream;
      listen = '';

      constructor(upstream: Upstream) {
        this.upstream = upstream;
        this.proxy = `p${proxies++}`;
      }

      static async open(upstream?: Upstream): Promise<Route> {
        const route = new Route(upstream ?? (await Upstream.listen()));
        const body = { name: route.proxy, listen: '127.0.0.1:0', upstream: route.upstream.address };
        const made = await request(server, 'POST', '/proxies', body);
        route.listen = (made.json as { listen: string }).listen;
        return route;
      }

      /** Opens a connection through the proxy. Returns both ends. */
      async connect(): Promise<readonly [client: Peer, far: Peer]> {
        const client = await dial(this.listen);
        return [client, await this.upstream.next()];
      }

      /** Opens a connection. Returns its ends, the sender of the stream first. */
      async along(stream: Stream): Promise<readonly [sender: Peer, receiver: Peer]> {
        const [client, far] = await this.connect();
        return stream === 'upstream' ? [client, far] : [far, client];
      }

      async toxic(
        type: string,
        stream: Stream,
        attributes: object = {},
        toxicity = 1,
        toxic = `${type}_${stream}`,
      ): Promise<void> {
        await this.#ask('POST', '/toxics', { name: toxic, type, stream, attributes, toxicity });
      }

      async update(toxic: string, change: object): Promise<void> {
        await this.#ask('PATCH', `/toxics/${toxic}`, change);
      }

      async remove(toxic: string): Promise<void> {
        await this.#ask('DELETE', `/toxics/${toxic}`);
      }

      async patch(change: object): Promise<void> {
        await this.#ask('PATCH', '', change);
      }

      async #ask(method: string, path: string, body?: object): Promise<void> {
        const { status, text } = await request(server, method, `/proxies/${this.proxy}${path}`, body);
        if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
      }

      async [Symbol.asyncDispose](): Promise<void> {
        await request(server, 'DELETE', `/proxies/${this.proxy}`);
        await this.upstream[Symbol.asyncDispose]();
      }
    }

    /** Time from sending to the arrival of the last byte. */
    async function transit(sender: Peer, receiver: Peer, data: string | Buffer): Promise<number> {
      const before = receiver.bytes;
      const started = performance.now();
      sender.send(data);
      return (await receiver.has(before + data.length)) - started;
    }

    /**
     * Waits until bytes that can pass must have passed: other connections through the same server have carried some
     * twenty times.
     */
    async function meanwhile(): Promise<void> {
      await using clean = await Route.open(await Upstream.echo());
      const client = await dial(clean.listen);
      for (let i = 1; i <= 20; i++) {
        client.send('ping');
        await client.has(4 * i);
      }
    }

    test('a proxy without toxics passes every byte in order in both directions, and the close', async () => {
      await using route = await Route.open();
      const [client, far] = await route.connect();
      const data = Buffer.alloc(3_000_000, 'abcdefghijklm');
      client.send(data);
      far.send('answer');
      await Promise.all([far.has(data.length), client.has(6)]);
      expect(far.text === data.toString()).toBe(true);
      expect(client.text).toBe('answer');
      client.socket.end();
      expect(await far.ended).toBe('end');
    });

    test('the end of one side closes both, even if the other side is still sending', async () => {
      await using route = await Route.open();
      const [client, far] = await route.connect();
      client.send('last words');
      client.socket.end();
      await far.has(10);
      await far.ended;
      await client.ended;
      expect(far.text).toBe('last words');
    });

    test('the connection of a client is closed if no server listens upstream', async () => {
      const gone = await Upstream.listen();
      await using route = await Route.open(gone);
      await gone[Symbol.asyncDispose]();
      const client = await dial(route.listen);
      expect(['end', 'ECONNRESET']).toContain(await client.ended);
    });

    test.each(STREAMS)('latency delays the %s stream once and does not delay the other', async (stream) => {
      await using route = await Route.open();
      await route.toxic('latency', stream, { latency: 300, jitter: 0 });
      const [sender, receiver] = await route.along(stream);
      const [there, back] = [await transit(sender, receiver, 'x'), await transit(receiver, sender, 'y')];
      expect(there).toBeGreaterThan(299);
      expect(there - back).toBeGreaterThan(300 - SLACK_MS);
      expect(there - back).toBeLessThan(300 + SLACK_MS);
    });

    test('latency delays chunks concurrently, and keeps their order', async () => {
      await using route = await Route.open();
      await route.toxic('latency', 'upstream', { latency: 200, jitter: 100 });
      const [sender, receiver] = await route.along('upstream');
      const words = Array.from({ length: 40 }, (_, i) => `${i} `);
      const started = performance.now();
      for (const word of words) {
        sender.send(word);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const took = (await receiver.has(words.join('').length)) - started;
      expect(receiver.text).toBe(words.join(''));
      expect(took).toBeLessThan(200 + 100 + 2 * SLACK_MS);
    });

    test('two latencies add up', async () => {
      await using route = await Route.open();
      await route.toxic('latency', 'upstream', { latency: 150 });
      await route.toxic('latency', 'upstream', { latency: 150 }, 1, 'more');
      const [sender, receiver] = await route.along('upstream');
      const took = await transit(sender, receiver, 'x');
      expect(took).toBeGreaterThan(299);
      expect(took).toBeLessThan(300 + SLACK_MS);
    });

    test('a toxic can be added, changed and removed on open connections', async () => {
      await using route = await Route.open();
      const [sender, receiver] = await route.along('upstream');
      await transit(sender, receiver, 'before');
      await route.toxic('latency', 'upstream', { latency: 2_000 });
      expect(await transit(sender, receiver, 'slow')).toBeGreaterThan(1_990);
      await route.update('latency_upstream', { attributes: { latency: 500 } });
      const changed = await transit(sender, receiver, 'less');
      expect(changed).toBeGreaterThan(490);
      expect(changed).toBeLessThan(1_990);
      await route.remove('latency_upstream');
      expect(await transit(sender, receiver, 'fast')).toBeLessThan(490);
      expect(receiver.text).toBe('beforeslowlessfast');
    });

    test('removing latency releases the held bytes at once, in order', async () => {
      await using route = await Route.open();
      const [sender, receiver] = await route.along('upstream');
      await transit(sender, receiver, '0');
      await route.toxic('latency', 'upstream', { latency: 60_000 });
      for (const word of ['1', '2', '3']) {
        sender.send(word);
        await meanwhile();
      }
      expect(receiver.text).toBe('0');
      await route.remove('latency_upstream');
      await receiver.has(4);
      expect(receiver.text).toBe('0123');
    });

    test.each(STREAMS)('bandwidth limits the %s stream to its rate', async (stream) => {
      await using route = await Route.open();
      await route.toxic('bandwidth', stream, { rate: 100 });
      const [sender, receiver] = await route.along(stream);
      const data = Buffer.alloc(80_000, 'x');
      const [there, back] = [await transit(sender, receiver, data), await transit(receiver, sender, data)];
      expect(there).toBeGreaterThan(650);
      expect(there).toBeLessThan(800 + 2 * SLACK_MS);
      expect(back).toBeLessThan(there / 2);
    });

    test('a bandwidth of 0 lets no byte through', async () => {
      await using route = await Route.open();
      const [sender, receiver] = await route.along('upstream');
      await route.toxic('bandwidth', 'upstream', { rate: 0 });
      sender.send('held');
      await meanwhile();
      expect(receiver.bytes).toBe(0);
      await route.remove('bandwidth_upstream');
      await receiver.has(4);
      expect(receiver.text).toBe('held');
    });

    test('slow_close passes bytes at once, and the close after its delay', async () => {
      await using route = await Route.open();
      await route.toxic('slow_close', 'upstream', { delay: 400 });
      const [client, far] = await route.connect();
      expect(await transit(client, far, 'x')).toBeLessThan(400);
      const started = performance.now();
      client.socket.end();
      await far.ended;
      expect(performance.now() - started).toBeGreaterThan(399);
    });

    test('timeout drops all bytes, and closes the connection after its time', async () => {
      await using route = await Route.open();
      await route.toxic('timeout', 'upstream', { timeout: 300 });
      const started = performance.now();
      const [client, far] = await route.connect();
      client.send('lost');
      await Promise.all([client.ended, far.ended]);
      const took = performance.now() - started;
      expect(took).toBeGreaterThan(295);
      expect(took).toBeLessThan(300 + 2 * SLACK_MS);
      expect(far.bytes).toBe(0);
    });

    test.each(STREAMS)(
      'timeout 0 on the %s stream passes no byte of it, and all bytes of the other',
      async (stream) => {
        await using route = await Route.open();
        const [sender, receiver] = await route.along(stream);
        await transit(sender, receiver, 'before');
        await route.toxic('timeout', stream, { timeout: 0 });
        for (let i = 0; i < 20; i++) {
          sender.send(Buffer.alloc(50_000));
          await transit(receiver, sender, 'back');
        }
        await meanwhile();
        expect(receiver.text).toBe('before');
        expect(sender.text).toBe('back'.repeat(20));
      },
    );

    test('timeout 0 also applies to new connections', async () => {
      await using route = await Route.open();
      await route.toxic('timeout', 'upstream', { timeout: 0 });
      const [client, far] = await route.connect();
      client.send('lost');
      await transit(far, client, 'back');
      await meanwhile();
      expect(far.bytes).toBe(0);
    });

    test('removing timeout 0 closes its connections without their dropped bytes, and new ones work', async () => {
      await using route = await Route.open();
      const [client, far] = await route.connect();
      await route.toxic('timeout', 'upstream', { timeout: 0 });
      client.send('lost');
      await meanwhile();
      await route.remove('timeout_upstream');
      await Promise.all([client.ended, far.ended]);
      expect(far.bytes).toBe(0);
      const [again, there] = await route.connect();
      await transit(again, there, 'hello');
    });

    test.each(STREAMS)(
      'reset_peer on the %s stream resets both ends of a new connection with its first bytes',
      async (stream) => {
        await using route = await Route.open();
        await route.toxic('reset_peer', stream, { timeout: 0 });
        const [sender, receiver] = await route.along(stream);
        sender.send('x');
        expect(await Promise.all([sender.ended, receiver.ended])).toEqual(['ECONNRESET', 'ECONNRESET']);
        expect(receiver.bytes).toBe(0);
      },
    );

    test('reset_peer with a timeout resets after that time', async () => {
      await using route = await Route.open();
      await route.toxic('reset_peer', 'upstream', { timeout: 300 });
      const [client] = await route.connect();
      const started = performance.now();
      client.send('x');
      expect(await client.ended).toBe('ECONNRESET');
      expect(performance.now() - started).toBeGreaterThan(295);
    });

    test('reset_peer closes connections that are already open, but not with RST', async () => {
      await using route = await Route.open();
      const [client, far] = await route.connect();
      await transit(client, far, 'before');
      await route.toxic('reset_peer', 'upstream', { timeout: 0 });
      client.send('x');
      expect(await Promise.all([client.ended, far.ended])).toEqual(['end', 'end']);
      expect(far.text).toBe('before');
    });

    test('a connection opened under a reset_peer of toxicity 0 works, and is reset if its proxy is disabled', async () => {
      await using route = await Route.open();
      await route.toxic('reset_peer', 'upstream', { timeout: 0 }, 0);
      const [client, far] = await route.connect();
      await transit(client, far, 'there');
      await transit(far, client, 'back');
      await route.patch({ enabled: false });
      expect(await Promise.all([client.ended, far.ended])).toEqual(['ECONNRESET', 'ECONNRESET']);
    });

    test('slicer cuts the stream into pieces with pauses, and loses no byte', async () => {
      await using route = await Route.open();
      await route.toxic('slicer', 'upstream', { average_size: 1_000, size_variation: 100, delay: 20_000 });
      const [sender, receiver] = await route.along('upstream');
      const data = Buffer.from(Array.from({ length: 20_000 }, (_, i) => i % 251));
      const took = await transit(sender, receiver, data);
      expect(receiver.pieces).toBeGreaterThanOrEqual(8);
      expect(took).toBeGreaterThan(200);
      expect(receiver.text === data.toString()).toBe(true);
    });

    test('limit_data passes exactly its bytes and then closes', async () => {
      await using route = await Route.open();
      await route.toxic('limit_data', 'upstream', { bytes: 10 });
      const [client, far] = await route.connect();
      await transit(client, far, '1234567');
      client.send('89abcdef');
      await Promise.all([client.ended, far.ended]);
      expect(far.text).toBe('123456789a');
    });

    test('limit_data keeps its count when its limit changes', async () => {
      await using route = await Route.open();
      await route.toxic('limit_data', 'upstream', { bytes: 10 });
      const [client, far] = await route.connect();
      await transit(client, far, '1234567');
      await route.update('limit_data_upstream', { attributes: { bytes: 12 } });
      client.send('89abcdef');
      await far.ended;
      expect(far.text).toBe('123456789abc');
    });

    test('toxicity 0 never acts, and 1 on the same proxy always does', async () => {
      await using route = await Route.open();
      await route.toxic('limit_data', 'upstream', { bytes: 0 }, 0);
      for (let i = 0; i < 5; i++) {
        const [client, far] = await route.connect();
        await transit(client, far, 'x');
      }
      await route.update('limit_data_upstream', { toxicity: 1 });
      for (let i = 0; i < 5; i++) {
        const [client, far] = await route.connect();
        client.send('x');
        await far.ended;
        expect(far.bytes).toBe(0);
      }
    });

    test('toxicity is drawn for each connection', async () => {
      await using route = await Route.open();
      await route.toxic('limit_data', 'upstream', { bytes: 0 }, 0.5);
      let passed = 0;
      for (let i = 0; i < 80; i++) {
        const [client, far] = await route.connect();
        client.send('x');
        await Promise.race([far.has(1), far.ended]);
        passed += far.bytes;
        client.socket.destroy();
      }
      // A correct server is outside of this range once in 10 million runs.
      expect(passed).toBeGreaterThan(16);
      expect(passed).toBeLessThan(64);
    });

    test('enabled: false closes connections and refuses new ones, and true accepts them at the same address', async () => {
      await using route = await Route.open();
      const [client, far] = await route.connect();
      await route.patch({ enabled: false });
      await Promise.all([client.ended, far.ended]);
      expect(await refusal(route.listen)).toBe('ECONNREFUSED');
      await route.patch({ enabled: true });
      const [again, there] = await route.connect();
      await transit(again, there, 'hello');
    });

    test('toxics survive disabling the proxy', async () => {
      await using route = await Route.open();
      await route.toxic('latency', 'upstream', { latency: 200 });
      await route.patch({ enabled: false });
      await route.patch({ enabled: true });
      const [client, far] = await route.connect();
      expect(await transit(client, far, 'x')).toBeGreaterThan(199);
    });

    test('a sender has to wait while the receiver does not read', async () => {
      await using route = await Route.open();
      const [client, far] = await route.connect();
      far.socket.pause();
      const block = Buffer.alloc(1_000_000);
      let sent = 0;
      // Kernel buffers on the way hold a few megabytes. Then the proxy must stop reading.
      while (client.socket.writableLength < 4 * block.length && sent < 200) {
        client.send(block);
        sent++;
        await meanwhile();
      }
      expect(sent).toBeLessThan(200);
      far.socket.resume();
      await far.has(sent * block.length);
    });

    test('the metrics count the bytes of each stream', async () => {
      await using route = await Route.open();
      const [client, far] = await route.connect();
      await transit(client, far, Buffer.alloc(12_345));
      await transit(far, client, Buffer.alloc(777));
      client.socket.end();
      await Promise.all([far.ended, client.ended]);
      await expect
        .poll(async () => readProxyBytes((await request(server, 'GET', '/metrics')).text).get(route.proxy), {
          timeout: 5_000,
        })
        .toEqual({ received: 12_345 + 777, sent: 12_345 + 777 });
      const { text } = await request(server, 'GET', '/metrics');
      const labels = `{direction="upstream",listener="${route.listen}",proxy="${route.proxy}",upstream="${route.upstream.address}"}`;
      expect(text).toContain(`toxiproxy_proxy_received_bytes_total${labels} 12345\n`);
      expect(text).toContain(`toxiproxy_proxy_sent_bytes_total${labels} 12345\n`);
    });
  });
}
