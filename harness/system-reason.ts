/**
 * Meaning of errors of the operating system, by code, and how to fix them. Only codes that are often misunderstood are
 * listed: for the others the message of Node.js is clear enough.
 */
const MEANING: Readonly<Record<string, string>> = {
  EMFILE: 'this process has no free file descriptors; raise the limit (ulimit -n)',
  ENFILE: 'this machine has no free file descriptors; end other programs, or raise fs.file-max',
  EADDRNOTAVAIL:
    'this machine does not have this address, or it has no free ports (the loopback interface may be down)',
  ENETUNREACH: 'there is no route (the loopback interface may be down)',
  EHOSTUNREACH: 'there is no route (the loopback interface may be down)',
  ENETDOWN: 'the network interface is down',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was broken before an answer',
  UND_ERR_SOCKET: 'the connection was broken before an answer',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
};

/**
 * The reason of a failed call, from the innermost error in its chain of causes that has a known code: `connect EMFILE
 * 127.0.0.1:20001: this process has no free file descriptors; raise the limit (ulimit -n)`. Without any code, the
 * innermost message.
 */
export function systemReason(error: unknown): string {
  const chain = causesOf(error);
  const coded = innermostKnown(chain);
  if (coded !== undefined) return `${coded.message}: ${MEANING[coded.code!]}`;
  return chain.at(-1)?.message ?? String(error);
}

/** The code of the same error; null: no known code. */
export const systemCode = (error: unknown): string | null => innermostKnown(causesOf(error))?.code ?? null;

const innermostKnown = (chain: readonly NodeJS.ErrnoException[]): NodeJS.ErrnoException | undefined =>
  chain.findLast(({ code }) => typeof code === 'string' && Object.hasOwn(MEANING, code));

/** The error, its cause, the cause of that and so on; of several errors at once, the first. */
function causesOf(error: unknown): readonly NodeJS.ErrnoException[] {
  const chain: NodeJS.ErrnoException[] = [];
  for (let next = error; next instanceof Error && chain.length < MAX_CAUSES;) {
    chain.push(next);
    next = next instanceof AggregateError && next.errors.length > 0 ? next.errors[0] : next.cause;
  }
  return chain;
}

/** Maximum number of causes that are looked at: an error may be its own cause. */
const MAX_CAUSES = 10;
