import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, `[v6]:port`, `:port`; null if it is not one. */
export function splitAddress(address: string): HostPort | null {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(address);
  return match === null ? null : { host: match[1] ?? match[2] ?? '', port: Number(match[3]) };
}

export const formatAddress = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Address to listen on; host null: every interface. An empty text means any port. @throws Error with Go's text. */
export async function listenAddress(
  address: string,
): Promise<{ readonly host: string | null; readonly port: number }> {
  try {
    const { host, port } = address === '' ? { host: '', port: 0 } : await resolveParts(address);
    return { host: host === '' ? null : host, port };
  } catch (error) {
    throw new Error(`listen tcp: ${(error as Error).message}`, { cause: error });
  }
}

/** An address with its name resolved. @throws Error with Go's text. */
export async function resolveAddress(address: string): Promise<string> {
  if (address === '') return ':0';
  const { host, port } = await resolveParts(address);
  return formatAddress(host, port);
}

async function resolveParts(address: string): Promise<HostPort> {
  const parts = splitAddress(address);
  if (parts === null) {
    if (!address.includes(':')) throw new Error(`address ${address}: missing port in address`);
    throw new Error(`lookup tcp/${address.slice(address.lastIndexOf(':') + 1)}: unknown port`);
  }
  if (parts.port > 65_535) throw new Error(`address ${parts.port}: invalid port`);
  if (parts.host === '' || isIP(parts.host) !== 0) return parts;
  try {
    const found = await lookup(parts.host, { all: true });
    const first = found.find(({ family }) => family === 4) ?? found[0]!;
    return { host: first.address, port: parts.port };
  } catch (error) {
    throw new Error(`lookup ${parts.host}: no such host`, { cause: error });
  }
}

const ERRNO_WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'cannot assign requested address',
};

export function listenError(error: NodeJS.ErrnoException, address: string): Error {
  return new Error(`listen tcp ${address}: bind: ${ERRNO_WORDS[error.code ?? ''] ?? error.message}`, {
    cause: error,
  });
}
