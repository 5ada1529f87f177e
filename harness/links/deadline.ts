import { ToxiproxyError } from 'toxiproxy-node-client';

/**
 * Longest a call of Toxiproxy's API may take. An edit can hang for ever while a link's reader does not read
 * (Shopify/toxiproxy#558).
 */
const CALL_DEADLINE_MS = 2_000;

/** Toxiproxy did not answer in time: the call may still take effect, or hang on. */
export class DeadlineError extends Error {}

/**
 * One API call with a deadline and a readable error. @throws DeadlineError after 2 s; Error naming `what` for
 * everything else.
 */
export async function call<T>(what: string, request: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new DeadlineError(`Toxiproxy did not answer within ${CALL_DEADLINE_MS} ms: ${what}`)),
      CALL_DEADLINE_MS,
    );
  });
  try {
    return await Promise.race([request(), expiry]);
  } catch (error) {
    if (error instanceof DeadlineError) throw error;
    throw new Error(`Toxiproxy could not ${what}: ${reason(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** The client reports only "fetch failed" if no server listens, and only the status of a refusal. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ToxiproxyError && error.message === 'fetch failed')
    return 'its API cannot be reached; did the server end?';
  return error.message;
}
