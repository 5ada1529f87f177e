import { AsyncLocalStorage } from 'node:async_hooks';
import { Toxiproxy, ToxiproxyError } from 'toxiproxy-node-client';
import { withinAwake } from '../stall.ts';
import { systemCode, systemReason } from '../system-reason.ts';
import { keepDirect } from './keep-direct.ts';

/**
 * Maximum time of a call of Toxiproxy's API, in ms. An edit can hang for ever while a link's reader does not read
 * (Shopify/toxiproxy#558).
 */
const CALL_DEADLINE_MS = 2_000;

/** Maximum length of an error of the server in messages, in characters. */
const MAX_ERROR_CHARS = 300;

/** Toxiproxy did not answer in time. The call may still take effect, or continue to hang. */
export class DeadlineError extends Error {}

/** A request of the API that was refused. */
class RequestError extends ToxiproxyError {
  /** Status of the answer; null: no answer came. */
  readonly status: number | null;
  /** Code of the operating system's error, such as ECONNREFUSED; null: an answer came, or there is no code. */
  readonly code: string | null;

  constructor(
    message: string,
    { status = null, code = null }: Partial<Pick<RequestError, 'status' | 'code'>>,
  ) {
    super('Error', message);
    this.status = status;
    this.code = code;
  }
}

/** Returns true if `call` failed because the server does not have what was asked for. */
export const isNotFound = (error: unknown): boolean =>
  error instanceof Error && error.cause instanceof RequestError && error.cause.status === 404;

/** Returns true if `call` failed because there is no server. */
export const isServerGone = (error: unknown): boolean =>
  error instanceof Error && error.cause instanceof RequestError && error.cause.code === 'ECONNREFUSED';

/** Aborts the requests of the current call. */
const running = new AsyncLocalStorage<AbortSignal>();

/** The part of the client's HTTP layer that is used here. Its types declare this method as private. */
interface HttpLayer {
  doFetch(url: string, init: RequestInit): Promise<Response>;
}

/**
 * Returns a client of the API at this URL. `call` can abort its requests, because one that hangs would keep the harness
 * alive. The requests are sent here, because the client's own ones lose the reason of a failure.
 */
export function toxiproxyAt(url: string): Toxiproxy {
  keepDirect(new URL(url));
  const toxiproxy = new Toxiproxy(url);
  const http = toxiproxy.api as unknown as HttpLayer;
  http.doFetch = async (to, init) => {
    let response: Response;
    try {
      response = await fetch(to, { ...init, signal: running.getStore() ?? null });
    } catch (error) {
      throw new RequestError(systemReason(error), { code: systemCode(error) });
    }
    if (response.ok) return response;
    const told = await errorOf(response);
    throw new RequestError(`Request failed with status code ${response.status}${told}`, response);
  };
  return toxiproxy;
}

/** Returns the server's reason for an error, after a colon. The API answers `{"error": "…", "status": 409}`. */
async function errorOf(response: Response): Promise<string> {
  const text = (await response.text()).slice(0, MAX_ERROR_CHARS).trim();
  const error = /^\{"error":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
  return error === '' ? '' : `: ${error}`;
}

/**
 * One API call with a deadline and a readable error. At the deadline its requests are aborted. Time in which the
 * harness stood still does not count. @throws DeadlineError after 2 s; Error naming `what` for everything else.
 */
export async function call<T>(what: string, request: () => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const answer = running.run(abort.signal, request);
  // After the deadline it rejects, because it is aborted.
  answer.catch(() => undefined);
  try {
    return await withinAwake(answer, CALL_DEADLINE_MS, () => {
      throw new DeadlineError(`Toxiproxy did not answer within ${CALL_DEADLINE_MS} ms: ${what}`);
    });
  } catch (error) {
    if (error instanceof DeadlineError) throw error;
    throw new Error(`Toxiproxy could not ${what}: ${systemReason(error)}`, { cause: error });
  } finally {
    abort.abort();
  }
}
