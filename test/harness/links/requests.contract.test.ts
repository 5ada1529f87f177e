import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../../harness/links/server.ts';
import { request, scratchDir, SERVERS, startServer } from '../../support/servers.ts';

interface RawAnswer {
  readonly status: number;
  readonly location: string | null;
  readonly body: string;
}

/** Sends bytes as they are, because every client library cleans a path and sets the Host header itself. */
async function raw(server: RunningServer, text: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.setTimeout(15_000, () => socket.destroy(new Error('no answer within 15 s')));
  socket.write(text, 'latin1');
  let answer = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) answer += chunk.toString();
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return {
    status: Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1]),
    location: /^location: (.*)$/im.exec(head)?.[1] ?? null,
    body,
  };
}

/** Sends two requests with a pause between them over one connection. Returns what came. */
async function twice(
  server: RunningServer,
  [first, second]: readonly [string, string],
  pauseMs: number,
): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let answers = '';
  socket.on('data', (chunk) => (answers += chunk.toString()));
  socket.write(first);
  await setTimeout(pauseMs);
  socket.write(second);
  await once(socket, 'close');
  return answers;
}

const get = (path: string, ...headers: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n');
const HOST = 'Host: 127.0.0.1';

/** Paths that are not answered as they are: with a redirect to the clean path, or a refusal. */
const PATHS: readonly (readonly [path: string, status: number, location: string | null])[] = [
  ['/%', 400, null],
  ['/%g0/x', 400, null],
  ['/proxies/%4', 400, null],
  ['/proxies?name=%4', 200, null],
  ['/proxies/%c3', 404, null],
  ['//elsewhere/', 301, '/elsewhere/'],
  ['/elsewhere/', 404, null],
  ['///proxies', 301, '/proxies'],
  ['/proxies//b/toxics?all=%4', 301, '/proxies/b/toxics?all=%4'],
  ['/version/../proxies', 301, '/proxies'],
  ['/%2e/proxies', 301, '/proxies'],
  ['/%70roxies', 200, null],
  ['/x/../%C3%A9 ~*'.replace(' ', '%20'), 301, '/%C3%A9%20~%2A'],
  ['/proxies#top', 404, null],
  ['http://localhost/proxies', 200, null],
];

/** Addresses to listen on: what the proxy shows, or Go's words for the refusal. */
const ADDRESSES: readonly (readonly [listen: string, shown: RegExp])[] = [
  ['127.0.0.1:', /^127\.0\.0\.1:\d+$/],
  ['[::ffff:127.0.0.1]:0', /^127\.0\.0\.1:\d+$/],
  ['127.0.0.1:no-such-service', /^listen tcp: lookup tcp\/no-such-service: unknown port$/],
  ['127.0.0.1:-2', /^listen tcp: address -2: invalid port$/],
  ['127.0.0.1:070000', /^listen tcp: address 070000: invalid port$/],
  ['127.0.0.1:99999999999999999999', /^listen tcp: address 99999999999999999999: invalid port$/],
  ['::2:0', /^listen tcp: address ::2:0: too many colons in address$/],
  ['[::2]', /^listen tcp: address \[::2\]: missing port in address$/],
  ['[::2]y:0', /^listen tcp: address \[::2\]y:0: missing port in address$/],
  ['[::2:0', /^listen tcp: address \[::2:0: missing '\]' in address$/],
  ['b[x:0', /^listen tcp: address b\[x:0: unexpected '\[' in address$/],
  ['10.1:0', /^listen tcp: lookup 10\.1(?: on .*)?: no such host$/],
];

for (const { name, choice, missing } of SERVERS) {
  describe.skipIf(missing !== null)(`requests to ${name}`, () => {
    const scratch = scratchDir();
    let server: RunningServer;
    const ask = (method: string, path: string, body?: string | object) => request(server, method, path, body);
    const proxyOf = async (fields: object): Promise<string> => {
      const answer = await ask('POST', '/proxies', { upstream: 'x:1', ...fields });
      const { listen, error } = answer.json as { listen?: string; error?: string };
      return listen ?? error ?? answer.text;
    };

    beforeAll(async () => {
      server = await startServer(choice, scratch.path);
    });
    afterAll(async () => {
      await server?.stop();
      scratch.remove();
    });

    test.each(PATHS)('a request for %s is answered with status %i', async (path, status, location) => {
      expect(await raw(server, get(path, HOST))).toMatchObject({ status, location });
    });

    test('a request that is not HTTP, or has no host, two hosts or a broken one, is refused', async () => {
      const refused = async (text: string, body: string): Promise<void> =>
        expect(await raw(server, text)).toMatchObject({ status: 400, body });
      await refused('proxies\r\n\r\n', '400 Bad Request');
      await refused(get('/version'), '400 Bad Request: missing required Host header');
      await refused(get('/version', HOST, 'Host: localhost'), '400 Bad Request');
      await refused(get('/version', 'Host: me@localhost'), '400 Bad Request: malformed Host header');
    });

    test.each(['127.0.0.1', 'localhost', 'LocalHost:80', '127.8.9.10:1', '[::1]:8474'])(
      'the host %s is this machine',
      async (host) => {
        expect(await raw(server, get('/version', `Host: ${host}`))).toMatchObject({ status: 200 });
      },
    );

    test('an idle connection stays open, because a harness that was stopped goes on with it', async () => {
      const first = ['GET /version HTTP/1.1', HOST, '', ''].join('\r\n');
      const answers = await twice(server, [first, get('/version', HOST)], 7_000);
      expect(answers.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    }, 20_000);

    test('integers of 64 bits keep all their digits', async () => {
      await proxyOf({ name: 'wide', listen: '127.0.0.1:0' });
      const shown = async (method: string, path: string, body?: string): Promise<string> =>
        /"bytes":([^},]*)/.exec((await ask(method, path, body)).text)![1]!;
      for (const bytes of ['9007199254740995', '-9007199254740995', '9223372036854775806', '17']) {
        const toxic = `{"name":"t${bytes}","type":"limit_data","attributes":{"bytes":${bytes}}}`;
        expect(await shown('POST', '/proxies/wide/toxics', toxic)).toBe(bytes);
        expect(await shown('GET', `/proxies/wide/toxics/t${bytes}`)).toBe(bytes);
      }
      const edit = '{"attributes":{"bytes":9007199254740997}}';
      expect(await shown('PATCH', '/proxies/wide/toxics/t17', edit)).toBe('9007199254740997');
      expect((await ask('GET', '/proxies/wide')).text).toContain('"bytes":9007199254740997');
    });

    test('a toxicity of minus zero keeps its sign', async () => {
      await proxyOf({ name: 'signed', listen: '127.0.0.1:0' });
      const toxic = '{"name":"t","type":"noop","toxicity":-0.0}';
      expect((await ask('POST', '/proxies/signed/toxics', toxic)).text).toContain('"toxicity":-0}');
    });

    test('a port may be the name of a service', async () => {
      // One of these is free, or taken by another program, which the answer names too.
      expect(await proxyOf({ name: 'named', listen: '127.0.0.1:imap2' })).toMatch(
        /^127\.0\.0\.1:143$|^listen tcp 127\.0\.0\.1:143: bind: /,
      );
      await ask('DELETE', '/proxies/named');
      expect(await proxyOf({ name: 'named', listen: 'localhost:POP3' })).toMatch(
        /^127\.0\.0\.1:110$|^listen tcp 127\.0\.0\.1:110: bind: /,
      );
      await ask('DELETE', '/proxies/named');
    });

    test.each(ADDRESSES)('a proxy on %s listens or is refused in the words of Go', async (listen, shown) => {
      expect(await proxyOf({ name: `on ${listen}`, listen })).toMatch(shown);
    });

    test('half of a surrogate pair becomes the replacement character', async () => {
      const made = await ask('POST', '/proxies', String.raw`{"name":"a\udfff","upstream":"x:1"}`);
      expect(made.text).toContain('"name":"a\uFFFD"');
      const whole = await ask('POST', '/proxies', String.raw`{"name":"b\ud83d\ude80","upstream":"x:1"}`);
      expect(whole.text).toContain('"name":"b\u{1F680}"');
    });

    test('a message names the byte at which JSON ends as Go quotes it', async () => {
      const message = async (body: string): Promise<string> =>
        ((await ask('POST', '/proxies', body)).json as { error: string }).error;
      const bad = (quoted: string): string =>
        `bad request body: invalid character ${quoted} looking for beginning of value`;
      expect(await message('[\u0002]')).toBe(bad(String.raw`'\x02'`));
      expect(await message('[\u007f]')).toBe(bad(String.raw`'\x7f'`));
      expect(await message('[ü]')).toBe(bad("'Ã'"));
      expect(await message('[\u{1F680}]')).toBe(bad("'ð'"));
    });

    test('values may be nested 10,000 deep and no deeper', async () => {
      const nested = (depth: number): string => `{"x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
      const message = async (depth: number): Promise<unknown> =>
        (await ask('POST', '/proxies', nested(depth))).json;
      expect(await message(10_000)).toMatchObject({ error: 'missing required field: name' });
      expect(await message(10_001)).toMatchObject({
        error: "bad request body: invalid character '[' exceeded max depth",
      });
    });
  });
}

describe('the built-in server and other hosts', () => {
  const scratch = scratchDir();
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer('builtin', scratch.path);
  });
  afterAll(async () => {
    await server?.stop();
    scratch.remove();
  });

  test.each(['attacker.test', 'attacker.test:8474', '127.0.0.1.attacker.test', '0.0.0.0', '10.0.0.1', ''])(
    'a request for the host "%s" is refused, because a web page may have sent it',
    async (host) => {
      const answer = await raw(server, get('/proxies', `Host: ${host}`));
      expect(answer).toEqual({
        status: 403,
        location: null,
        body: `The host ${JSON.stringify(host)} is not allowed: this server answers only to localhost, 127.0.0.1 and [::1].\n`,
      });
    },
  );

  test('a refused request changes nothing', async () => {
    const body = '{"name":"planted","upstream":"x:1","listen":"127.0.0.1:0"}';
    const head = `POST /proxies HTTP/1.1\r\nHost: attacker.test\r\nConnection: close\r\nContent-Length: ${body.length}`;
    expect(await raw(server, `${head}\r\n\r\n${body}`)).toMatchObject({ status: 403 });
    expect(await raw(server, get('http://attacker.test/proxies', HOST))).toMatchObject({ status: 403 });
    expect((await request(server, 'GET', '/proxies')).text).toBe('{}');
  });
});
