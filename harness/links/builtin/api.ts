import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ApiError } from './api-error.ts';
import type { ByteCounters } from './byte-counters.ts';
import { encodeJson } from './go-json.ts';
import { toxicJson } from './proxy.ts';
import type { Proxies } from './proxies.ts';
import { readTarget } from './request-target.ts';

/** Version of the Toxiproxy whose API this server has. */
export const VERSION = '2.12.0';
/** Maximum size of a request's body: far more than any list of proxies needs. */
const MAX_BODY_BYTES = 16 * 1_024 * 1_024;

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly body?: string;
  readonly location?: string;
}

type Handler = (names: readonly string[], body: string) => Promise<Answer> | Answer;
type Route = readonly [methods: string, path: RegExp, handler: Handler];

/** Toxiproxy's HTTP API: the same paths, methods, status codes and bodies. */
export function createApi(proxies: Proxies, counters: ByteCounters, metrics: boolean): Server {
  const routes = [
    ...proxyRoutes(proxies),
    ...toxicRoutes(proxies),
    ...serverRoutes(proxies, counters, metrics),
  ];
  // A missing Host header is refused when the target is read, with Go's message.
  // As in the real server, an idle connection stays open, also while a harness that was stopped keeps it.
  const server = createServer({ requireHostHeader: false, keepAliveTimeout: 0 }, (request, response) => {
    void respond(routes, request, response);
  });
  server.on('clientError', (_, socket) => socket.end(NOT_HTTP));
  return server;
}

/** Go's answer to input that is not HTTP. */
const NOT_HTTP =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request';

function proxyRoutes(proxies: Proxies): readonly Route[] {
  return [
    [
      'GET',
      /^\/proxies$/,
      () => json(200, Object.fromEntries(proxies.all.map((proxy) => [proxy.name, proxy.toJson()]))),
    ],
    ['POST', /^\/proxies$/, async (_, body) => json(201, (await proxies.create(body)).toJson())],
    ['GET', /^\/proxies\/([^/]+)$/, ([name]) => json(200, proxies.get(name!).toJson())],
    [
      'POST PATCH',
      /^\/proxies\/([^/]+)$/,
      async ([name], body) => json(200, (await proxies.update(name!, body)).toJson()),
    ],
    ['DELETE', /^\/proxies\/([^/]+)$/, ([name]) => proxies.remove(name!).then(() => EMPTY)],
    [
      'POST',
      /^\/populate$/,
      async (_, body) => {
        const { proxies: made, error } = await proxies.populate(body);
        const refusal = error === null ? {} : { error: error.message, status: error.status };
        return json(error?.status ?? 201, {
          ...refusal,
          proxies: made?.map((proxy) => proxy.toJson()) ?? null,
        });
      },
    ],
  ];
}

function toxicRoutes(proxies: Proxies): readonly Route[] {
  const list = /^\/proxies\/([^/]+)\/toxics$/;
  const one = /^\/proxies\/([^/]+)\/toxics\/([^/]+)$/;
  return [
    ['GET', list, ([proxy]) => json(200, proxies.get(proxy!).toxics.all.map(toxicJson))],
    ['POST', list, ([proxy], body) => json(200, toxicJson(proxies.get(proxy!).toxics.add(body)))],
    ['GET', one, ([proxy, toxic]) => json(200, toxicJson(proxies.get(proxy!).toxics.get(toxic!)))],
    [
      'POST PATCH',
      one,
      ([proxy, toxic], body) => json(200, toxicJson(proxies.get(proxy!).toxics.update(toxic!, body))),
    ],
    [
      'DELETE',
      one,
      ([proxy, toxic]) => {
        proxies.get(proxy!).toxics.remove(toxic!);
        return EMPTY;
      },
    ],
  ];
}

function serverRoutes(proxies: Proxies, counters: ByteCounters, metrics: boolean): readonly Route[] {
  const version: Answer = {
    status: 200,
    type: 'application/json;charset=utf-8',
    body: `{"version": "${VERSION}"}\n`,
  };
  const page = (): Answer => ({
    status: 200,
    type: 'text/plain; version=0.0.4; charset=utf-8',
    body: counters.text(),
  });
  return [
    ['POST', /^\/reset$/, () => proxies.reset().then(() => EMPTY)],
    ['GET', /^\/version$/, () => version],
    ...(metrics ? [['GET HEAD POST PUT PATCH DELETE', /^\/metrics$/, page] as const] : []),
  ];
}

async function respond(
  routes: readonly Route[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = await answerTo(routes, request).catch(refuse);
  response.statusCode = answer.status;
  response.setHeader('X-Toxiproxy-Request-Id', randomBytes(10).toString('hex'));
  if (answer.type !== undefined) response.setHeader('Content-Type', answer.type);
  if (answer.location !== undefined) response.setHeader('Location', answer.location);
  if (answer.type?.startsWith('text/plain; charset') === true)
    response.setHeader('X-Content-Type-Options', 'nosniff');
  response.end(answer.body ?? '');
}

async function answerTo(routes: readonly Route[], request: IncomingMessage): Promise<Answer> {
  const target = readTarget(request);
  if (target.type === 'refused') return plain(target.status, target.body);
  if (target.type === 'moved') return { status: 301, location: target.location };
  const { path } = target;
  const body = await readBody(request);
  const there = routes.filter(([, pattern]) => pattern.test(path));
  if (there.length === 0) return plain(404, '404 page not found\n');
  const route = there.find(([methods]) => methods.split(' ').includes(request.method ?? ''));
  if (route === undefined) return { status: 405 };
  // Any web page could make a browser send requests to this server.
  if (request.headers['user-agent']?.startsWith('Mozilla/') === true)
    return plain(403, 'User agent not allowed\n');
  return route[2](route[1].exec(path)!.slice(1), body);
}

/** The bytes of the body, each as one character. */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new ApiError('http: request body too large', 400);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('latin1');
}

function refuse(error: unknown): Answer {
  const { message, status } = error instanceof ApiError ? error : new ApiError((error as Error).message, 500);
  return plain(status, `${encodeJson({ error: message, status })}\n`);
}

const EMPTY: Answer = { status: 204 };
const json = (status: number, value: unknown): Answer => ({
  status,
  type: 'application/json',
  body: encodeJson(value),
});
const plain = (status: number, body: string): Answer => ({ status, type: 'text/plain; charset=utf-8', body });
