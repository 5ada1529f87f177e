import { AsyncLocalStorage } from 'node:async_hooks';
import { Toxiproxy, ToxiproxyError } from 'toxiproxy-node-client';
import { withinAwake } from '../stall.ts';

/**
 * Longest a call of Toxiproxy's API may take. An edit can hang for ever while a link's reader does not read
 * (Shopify/toxiproxy#558).
 */
const CALL_DEADLINE_MS = 2_000;

/** Toxiproxy did not answer in time: the call may still take effect, or hang on. */
export class DeadlineError extends Error {}

/** Aborts the requests of the call that runs. */
const running = new AsyncLocalStorage<AbortSignal>();

/** The client's HTTP layer, as far as it matters here. Its types keep this method to themselves. */
interface HttpLayer {
  doFetch(url: string, init: RequestInit): Promise<Response>;
}

/** A client of the API at this URL, whose requests `call` can abort: one that hangs would keep the harness alive. */
export function toxiproxyAt(url: string): Toxiproxy {
  const toxiproxy = new Toxiproxy(url);
  const http = toxiproxy.api as unknown as HttpLayer;
  const doFetch = http.doFetch.bind(http);
  http.doFetch = (to, init) => doFetch(to, { ...init, signal: running.getStore() ?? null });
  return toxiproxy;
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
    throw new Error(`Toxiproxy could not ${what}: ${reason(error)}`, { cause: error });
  } finally {
    abort.abort();
  }
}

/** The client reports only "fetch failed" if no server listens, and only the status of a refusal. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ToxiproxyError && error.message === 'fetch failed')
    return 'its API cannot be reached; did the server end?';
  return error.message;
}
