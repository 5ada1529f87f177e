import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../../harness/links/server.ts';
import { request, scratchDir, SERVERS, startServer } from '../../support/servers.ts';

const badBody = (message: string): string => `bad request body: ${message}`;

/** Bodies that every endpoint with a body refuses with status 400. */
const MALFORMED: readonly (readonly [body: string, message: string])[] = [
  ['', 'EOF'],
  ['   ', 'EOF'],
  ['{', 'unexpected EOF'],
  ['{"a":1,', 'unexpected EOF'],
  ['{bad', "invalid character 'b' looking for beginning of object key string"],
  ["{'a':1}", String.raw`invalid character '\'' looking for beginning of object key string`],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 x', "invalid character 'x' after object key:value pair"],
  ['{"a":[1 2]}', "invalid character '2' after array element"],
  ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
  ['{"a":-}', "invalid character '}' in numeric literal"],
  ['{"a":1.}', "invalid character '}' after decimal point in numeric literal"],
  ['{"a":1e}', "invalid character '}' in exponent of numeric literal"],
  [String.raw`{"a":"\q"}`, "invalid character 'q' in string escape code"],
  ['nope', "invalid character 'o' in literal null (expecting 'u')"],
  ['?', "invalid character '?' looking for beginning of value"],
];

const REFUSED_TOXICS: readonly (readonly [body: string, status: number, message: string])[] = [
  ['{}', 400, 'invalid toxic type'],
  ['null', 400, 'invalid toxic type'],
  ['{"type":"nope","attributes":{"x":1}}', 400, 'invalid toxic type'],
  ['{"type":"latency","stream":"sideways"}', 400, 'stream was invalid, can be either upstream or downstream'],
  [
    '{"type":5}',
    400,
    badBody('json: cannot unmarshal number into Go struct field ToxicWrapper.type of type string'),
  ],
  ['[]', 400, badBody('json: cannot unmarshal array into Go value of type toxics.ToxicWrapper')],
  [
    '{"type":"latency","toxicity":"x"}',
    400,
    badBody('json: cannot unmarshal string into Go struct field ToxicWrapper.toxicity of type float32'),
  ],
  [
    '{"type":"latency","attributes":"x"}',
    400,
    badBody(
      'json: cannot unmarshal string into Go struct field ToxicWrapper.attributes of type toxics.NoopToxic',
    ),
  ],
  [
    '{"type":"latency","attributes":{"latency":true,"jitter":"q"}}',
    400,
    badBody('json: cannot unmarshal bool into Go struct field LatencyToxic.attributes.latency of type int64'),
  ],
  [
    '{"type":"bandwidth","attributes":{"rate":1e3}}',
    400,
    badBody(
      'json: cannot unmarshal number 1e3 into Go struct field BandwidthToxic.attributes.rate of type int64',
    ),
  ],
  [
    '{"type":"bandwidth","attributes":{"rate":9223372036854775808}}',
    400,
    badBody(
      'json: cannot unmarshal number 9223372036854775808 into Go struct field BandwidthToxic.attributes.rate of type int64',
    ),
  ],
  [
    '{"type":"slicer","attributes":{"delay":1.5}}',
    400,
    badBody(
      'json: cannot unmarshal number 1.5 into Go struct field SlicerToxic.attributes.delay of type int',
    ),
  ],
];

/** Default attributes per type of toxic. */
const DEFAULTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  latency: { latency: 0, jitter: 0 },
  bandwidth: { rate: 0 },
  slow_close: { delay: 0 },
  timeout: { timeout: 0 },
  reset_peer: { timeout: 0 },
  slicer: { average_size: 0, size_variation: 0, delay: 0 },
  limit_data: { bytes: 0 },
  noop: {},
};

for (const { name, choice, missing } of SERVERS) {
  describe.skipIf(missing !== null)(`the API of ${name}`, () => {
    const scratch = scratchDir();
    let server: RunningServer;
    const ask = (method: string, path: string, body?: string | object) => request(server, method, path, body);
    const refuses = async (
      method: string,
      path: string,
      body: string | object | undefined,
      status: number,
      error: string,
    ) => {
      const answer = await ask(method, path, body);
      expect({ body, status: answer.status, text: answer.text }).toEqual({
        body,
        status,
        text: `{"error":${JSON.stringify(error)},"status":${status}}\n`,
      });
    };
    /** Creates a disabled proxy, for tests that need no sockets. */
    const make = (proxy: string): Promise<unknown> =>
      ask('POST', '/proxies', {
        name: proxy,
        listen: '127.0.0.1:0',
        upstream: '127.0.0.1:9',
        enabled: false,
      });

    beforeAll(async () => {
      server = await startServer(choice, scratch.path);
    });
    afterAll(async () => {
      await server?.stop();
      scratch.remove();
    });
    beforeEach(async () => {
      for (const proxy of Object.keys((await ask('GET', '/proxies')).json as object)) {
        await ask('DELETE', `/proxies/${encodeURIComponent(proxy)}`);
      }
    });

    test('reports version 2.12.0', async () => {
      const { status, text } = await ask('GET', '/version');
      expect({ status, text }).toEqual({ status: 200, text: '{"version": "2.12.0"}\n' });
    });

    test('creates a proxy on a free port, shows it, lists it, deletes it', async () => {
      const created = await ask('POST', '/proxies', {
        name: 'n1->n2',
        listen: '127.0.0.1:0',
        upstream: '127.0.0.1:9',
      });
      const listen = (created.json as { listen: string }).listen;
      const shown = {
        name: 'n1->n2',
        listen,
        upstream: '127.0.0.1:9',
        enabled: true,
        Logger: {},
        toxics: [],
      };
      expect(created).toMatchObject({ status: 201, json: shown });
      expect(created.text).toContain(String.raw`"name":"n1-\u003en2"`);
      expect(Number(listen.split(':')[1])).toBeGreaterThan(0);
      expect(await ask('GET', '/proxies/n1->n2')).toMatchObject({ status: 200, json: shown });
      expect(await ask('GET', '/proxies')).toMatchObject({ status: 200, json: { 'n1->n2': shown } });
      expect(await ask('DELETE', '/proxies/n1->n2')).toMatchObject({ status: 204, text: '' });
      expect(await ask('GET', '/proxies')).toMatchObject({ status: 200, text: '{}' });
    });

    test('listens on all interfaces if no address is given, and on IPv4 for localhost', async () => {
      const everywhere = await ask('POST', '/proxies', { name: 'a', upstream: 'x:1' });
      expect((everywhere.json as { listen: string }).listen).toMatch(/^\[::\]:\d+$/);
      const localhost = await ask('POST', '/proxies', { name: 'b', upstream: 'x:1', listen: 'localhost:0' });
      expect((localhost.json as { listen: string }).listen).toMatch(/^127\.0\.0\.1:\d+$/);
    });

    test('refuses a proxy without a name or upstream, and a second one of the same name', async () => {
      await refuses('POST', '/proxies', {}, 400, 'missing required field: name');
      await refuses('POST', '/proxies', 'null', 400, 'missing required field: name');
      await refuses('POST', '/proxies', { name: 'a' }, 400, 'missing required field: upstream');
      await make('a');
      await refuses('POST', '/proxies', { name: 'a', upstream: 'x:1' }, 409, 'proxy already exists');
    });

    test('refuses a proxy whose fields have the wrong type', async () => {
      const misfit = (what: string): string => badBody(`json: cannot unmarshal ${what}`);
      await refuses(
        'POST',
        '/proxies',
        { name: 5 },
        400,
        misfit('number into Go struct field Proxy.name of type string'),
      );
      await refuses('POST', '/proxies', '[]', 400, misfit('array into Go value of type toxiproxy.Proxy'));
      const enabled = { name: 'a', upstream: 'x:1', enabled: 'x' };
      await refuses(
        'POST',
        '/proxies',
        enabled,
        400,
        misfit('string into Go struct field Proxy.enabled of type bool'),
      );
    });

    test('refuses an address that it cannot listen on', async () => {
      const on = (listen: string) => ({ name: 'a', upstream: 'x:1', listen });
      const taken = new URL(server.url).host;
      await refuses('POST', '/proxies', on(taken), 500, `listen tcp ${taken}: bind: address already in use`);
      await refuses('POST', '/proxies', on('bad'), 500, 'listen tcp: address bad: missing port in address');
      await refuses(
        'POST',
        '/proxies',
        on('127.0.0.1:99999'),
        500,
        'listen tcp: address 99999: invalid port',
      );
      await refuses('POST', '/proxies', on('127.0.0.1:abc'), 500, 'listen tcp: lookup tcp/abc: unknown port');
      expect(await ask('GET', '/proxies')).toMatchObject({ text: '{}' });
    });

    test.each(MALFORMED)('refuses the body %j', async (body, message) => {
      await make('a');
      await ask('POST', '/proxies/a/toxics', { name: 't', type: 'noop' });
      for (const path of ['/proxies', '/proxies/a', '/proxies/a/toxics', '/proxies/a/toxics/t']) {
        await refuses('POST', path, body, 400, badBody(message));
      }
      const populate = await ask('POST', '/populate', body);
      expect(populate).toMatchObject({
        status: 400,
        json: { error: badBody(message), status: 400, proxies: null },
      });
    });

    test('updates only the given fields of a proxy by POST and PATCH, and never its name', async () => {
      await make('a');
      for (const method of ['POST', 'PATCH']) {
        const answer = await ask(method, '/proxies/a', { enabled: true, name: 'other' });
        expect(answer).toMatchObject({
          status: 200,
          json: { name: 'a', upstream: '127.0.0.1:9', enabled: true },
        });
        expect((answer.json as { listen: string }).listen).not.toBe('127.0.0.1:0');
      }
      expect(await ask('PATCH', '/proxies/a', { upstream: '127.0.0.1:8' })).toMatchObject({
        status: 200,
        json: { upstream: '127.0.0.1:8', enabled: true },
      });
      expect(await ask('PATCH', '/proxies/a', 'null')).toMatchObject({
        status: 200,
        json: { enabled: true },
      });
      await refuses('PATCH', '/proxies/a', { listen: 'bad' }, 500, 'address bad: missing port in address');
      expect(await ask('GET', '/proxies/a')).toMatchObject({ json: { enabled: true } });
    });

    test('leaves a proxy disabled at the new address if it cannot listen there', async () => {
      await make('a');
      const taken = new URL(server.url).host;
      await ask('POST', '/proxies/a', { enabled: true });
      await refuses(
        'POST',
        '/proxies/a',
        { listen: taken },
        500,
        `listen tcp ${taken}: bind: address already in use`,
      );
      expect(await ask('GET', '/proxies/a')).toMatchObject({ json: { listen: taken, enabled: false } });
    });

    test('answers 404 for proxies and toxics that do not exist, before it reads the body', async () => {
      for (const method of ['GET', 'DELETE'])
        await refuses(method, '/proxies/zz', undefined, 404, 'proxy not found');
      for (const path of ['/proxies/zz', '/proxies/zz/toxics', '/proxies/zz/toxics/t']) {
        await refuses('POST', path, '{bad', 404, 'proxy not found');
      }
      await make('a');
      for (const method of ['GET', 'DELETE'])
        await refuses(method, '/proxies/a/toxics/zz', undefined, 404, 'toxic not found');
      await refuses('PATCH', '/proxies/a/toxics/zz', '{bad', 404, 'toxic not found');
    });

    test('answers 404 for unknown paths and 405 for unknown methods', async () => {
      expect(await ask('GET', '/nothing')).toMatchObject({ status: 404, text: '404 page not found\n' });
      expect(await ask('GET', '/proxies/')).toMatchObject({ status: 404 });
      expect(await ask('PUT', '/proxies')).toMatchObject({ status: 405, text: '' });
      expect(await ask('DELETE', '/version')).toMatchObject({ status: 405 });
    });

    test('refuses requests of browsers', async () => {
      const response = await fetch(`${server.url}/version`, { headers: { 'user-agent': 'Mozilla/5.0' } });
      expect([response.status, await response.text()]).toEqual([403, 'User agent not allowed\n']);
    });

    test.each(Object.entries(DEFAULTS))(
      'adds a %s toxic downstream, with toxicity 1 and default attributes, if nothing else is given',
      async (type, attributes) => {
        await make('a');
        const toxic = { attributes, name: `${type}_downstream`, type, stream: 'downstream', toxicity: 1 };
        const added = await ask('POST', '/proxies/a/toxics', { type });
        expect(added).toMatchObject({ status: 200, text: JSON.stringify(toxic) });
        expect(await ask('GET', `/proxies/a/toxics/${type}_downstream`)).toMatchObject({
          status: 200,
          json: toxic,
        });
        expect(await ask('GET', '/proxies/a/toxics')).toMatchObject({ status: 200, json: [toxic] });
        await refuses('POST', '/proxies/a/toxics', { type }, 409, 'toxic already exists');
        expect(await ask('DELETE', `/proxies/a/toxics/${type}_downstream`)).toMatchObject({
          status: 204,
          text: '',
        });
        expect(await ask('GET', '/proxies/a/toxics')).toMatchObject({ text: '[]' });
      },
    );

    test.each(REFUSED_TOXICS)('refuses the toxic %s', async (body, status, message) => {
      await make('a');
      await refuses('POST', '/proxies/a/toxics', body, status, message);
      expect(await ask('GET', '/proxies/a/toxics')).toMatchObject({ text: '[]' });
    });

    test('keeps the spelling of the stream, and accepts keys in upper or lower case', async () => {
      await make('a');
      const body = '{"Type":"bandwidth","STREAM":"Upstream","attributes":{"RATE":5},"toxicity":0.3} trailing';
      expect(await ask('POST', '/proxies/a/toxics', body)).toMatchObject({
        status: 200,
        text: '{"attributes":{"rate":5},"name":"bandwidth_Upstream","type":"bandwidth","stream":"Upstream","toxicity":0.3}',
      });
    });

    test('stores toxicity as a 32-bit float', async () => {
      await make('a');
      const body = '{"type":"noop","toxicity":0.123456789}';
      expect(await ask('POST', '/proxies/a/toxics', body)).toMatchObject({ json: { toxicity: 0.12345679 } });
    });

    test('updates only the attributes and the toxicity of a toxic', async () => {
      await make('a');
      await ask('POST', '/proxies/a/toxics', { name: 't', type: 'slicer', attributes: { delay: 5 } });
      const update = {
        name: 'u',
        type: 'latency',
        stream: 'upstream',
        toxicity: 0.5,
        attributes: { average_size: 7 },
      };
      for (const method of ['POST', 'PATCH']) {
        expect(await ask(method, '/proxies/a/toxics/t', update)).toMatchObject({
          status: 200,
          json: {
            name: 't',
            type: 'slicer',
            stream: 'downstream',
            toxicity: 0.5,
            attributes: { average_size: 7, size_variation: 0, delay: 5 },
          },
        });
      }
      const misfit =
        'json: cannot unmarshal string into Go struct field SlicerToxic.attributes.average_size of type int';
      await refuses(
        'PATCH',
        '/proxies/a/toxics/t',
        { attributes: { average_size: 'x' } },
        400,
        badBody(misfit),
      );
      const whole =
        'json: cannot unmarshal number into Go struct field .attributes of type toxics.SlicerToxic';
      await refuses('PATCH', '/proxies/a/toxics/t', { attributes: 5 }, 400, badBody(whole));
      const toxicity = 'json: cannot unmarshal string into Go struct field .toxicity of type float32';
      await refuses('PATCH', '/proxies/a/toxics/t', { toxicity: 'x' }, 400, badBody(toxicity));
    });

    test('lists upstream toxics first, and each stream in the order in which toxics were added', async () => {
      await make('a');
      for (const [toxic, stream] of [
        ['d1', 'downstream'],
        ['u1', 'upstream'],
        ['d2', 'downstream'],
        ['u2', 'upstream'],
      ]) {
        await ask('POST', '/proxies/a/toxics', { name: toxic, stream, type: 'noop' });
      }
      const list = (await ask('GET', '/proxies/a')).json as { toxics: { name: string }[] };
      expect(list.toxics.map((toxic) => toxic.name)).toEqual(['u1', 'u2', 'd1', 'd2']);
    });

    test('populate creates proxies, keeps equal ones, and replaces those with other addresses', async () => {
      const fixed = { name: 'a', listen: '127.0.0.1:0', upstream: 'x:1', enabled: false };
      expect(await ask('POST', '/populate', [fixed])).toMatchObject({
        status: 201,
        json: { proxies: [{ ...fixed, toxics: [] }] },
      });
      await ask('POST', '/proxies/a/toxics', { type: 'noop' });
      const same = await ask('POST', '/populate', [{ ...fixed, enabled: true }]);
      expect(same).toMatchObject({
        status: 201,
        json: { proxies: [{ enabled: false, toxics: [{ type: 'noop' }] }] },
      });
      const other = await ask('POST', '/populate', [{ name: 'a', listen: '127.0.0.1:0', upstream: 'x:2' }]);
      expect(other).toMatchObject({
        status: 201,
        json: { proxies: [{ upstream: 'x:2', enabled: true, toxics: [] }] },
      });
      expect(await ask('POST', '/populate', '[]')).toMatchObject({ status: 201, text: '{"proxies":null}' });
    });

    test('populate checks every entry before it creates the first proxy', async () => {
      const refused = async (body: unknown, error: string): Promise<void> => {
        expect(await ask('POST', '/populate', JSON.stringify(body))).toMatchObject({
          status: 400,
          text: JSON.stringify({ error, status: 400, proxies: null }),
        });
      };
      const good = { name: 'a', upstream: 'x:1', listen: '127.0.0.1:0' };
      await refused([good, { name: 'q' }], 'missing required field: upstream at proxy 2');
      await refused([good, { upstream: 'q' }], 'missing required field: name at proxy 2');
      await refused(
        [{ ...good, name: 5 }],
        badBody('json: cannot unmarshal number into Go struct field .Proxy.name of type string'),
      );
      await refused(
        [{ ...good, enabled: 'q' }],
        badBody('json: cannot unmarshal string into Go struct field .enabled of type bool'),
      );
      const entry = String.raw`struct { toxiproxy.Proxy; Enabled *bool "json:\"enabled\"" }`;
      await refused([5], badBody(`json: cannot unmarshal number into Go value of type ${entry}`));
      await refused({}, badBody(`json: cannot unmarshal object into Go value of type []${entry}`));
      expect(await ask('GET', '/proxies')).toMatchObject({ text: '{}' });
    });

    test('populate stops at the first proxy that cannot listen, and lists those it created before', async () => {
      const taken = new URL(server.url).host;
      const entries = [
        { name: 'a', upstream: 'x:1', listen: '127.0.0.1:0' },
        { name: 'b', upstream: 'x:1', listen: taken },
        { name: 'c', upstream: 'x:1', listen: '127.0.0.1:0' },
      ];
      const answer = await ask('POST', '/populate', entries);
      const error = `listen tcp ${taken}: bind: address already in use`;
      expect(answer).toMatchObject({ status: 500, json: { error, status: 500, proxies: [{ name: 'a' }] } });
      expect(Object.keys((await ask('GET', '/proxies')).json as object)).toEqual(['a']);
    });

    test('accepts toxiproxy.json as its configuration', async () => {
      const standard = JSON.parse(
        readFileSync(new URL('../../../toxiproxy.json', import.meta.url), 'utf8'),
      ) as object[];
      expect(standard).toHaveLength(9);
      // On other ports than those of the file, because a run may use those now.
      const answer = await ask(
        'POST',
        '/populate',
        standard.map((entry) => ({ ...entry, listen: '127.0.0.1:0' })),
      );
      expect(answer.status).toBe(201);
      expect((await ask('GET', '/proxies')).json).toMatchObject({
        'n1->n2': { enabled: true },
        'clients->n3': { enabled: true },
      });
    });

    test('reset enables every proxy and removes every toxic', async () => {
      await make('a');
      await ask('POST', '/proxies/a/toxics', { type: 'latency', stream: 'upstream' });
      await ask('POST', '/proxies/a/toxics', { type: 'latency' });
      expect(await ask('POST', '/reset')).toMatchObject({ status: 204, text: '' });
      expect(await ask('GET', '/proxies/a')).toMatchObject({ json: { enabled: true, toxics: [] } });
    });

    test('sends errors as JSON with a text content type, and results as JSON', async () => {
      const type = async (path: string) => (await fetch(server.url + path)).headers.get('content-type');
      expect(await type('/proxies/zz')).toBe('text/plain; charset=utf-8');
      expect(await type('/proxies')).toBe('application/json');
      expect(await type('/version')).toBe('application/json;charset=utf-8');
      expect(await type('/metrics')).toMatch(/^text\/plain; version=0\.0\.4/);
    });
  });
}
