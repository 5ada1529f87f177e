import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { lookupPort } from './services.ts';

interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Host and port of `host:port`, `[v6]:port` or `:port`; the port may be a name. @throws Error with Go's message. */
export function splitAddress(address: string): HostPort {
  const { host, service } = splitHostPort(address);
  return { host, port: lookupPort(service) };
}

export const formatAddress = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/**
 * Address to listen on; host null means every interface. An empty text means any port. @throws Error with Go's message.
 */
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

/** An address with its name resolved. @throws Error with Go's message. */
export async function resolveAddress(address: string): Promise<string> {
  if (address === '') return ':0';
  const { host, port } = await resolveParts(address);
  return formatAddress(host, port);
}

/** Follows the rules and has the messages of Go's `net.SplitHostPort`. */
function splitHostPort(address: string): { readonly host: string; readonly service: string } {
  const refuse = (why: string): Error => new Error(`address ${address}: ${why}`);
  const colon = address.lastIndexOf(':');
  if (colon < 0) throw refuse('missing port in address');
  const service = address.slice(colon + 1);
  if (!address.startsWith('[')) {
    const host = address.slice(0, colon);
    if (host.includes(':')) throw refuse('too many colons in address');
    if (/[[\]]/.test(address)) throw refuse(`unexpected '${address.includes('[') ? '[' : ']'}' in address`);
    return { host, service };
  }
  const end = address.indexOf(']');
  if (end < 0) throw refuse("missing ']' in address");
  if (end + 1 !== colon)
    throw refuse(address[end + 1] === ':' ? 'too many colons in address' : 'missing port in address');
  if (address.includes('[', 1)) throw refuse("unexpected '[' in address");
  if (address.includes(']', end + 1)) throw refuse("unexpected ']' in address");
  return { host: address.slice(1, end), service };
}

/** An IPv4 address in IPv6 form, such as `::ffff:127.0.0.1`. Go shows it as the IPv4 address. */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

async function resolveParts(address: string): Promise<HostPort> {
  const { host, port } = splitAddress(address);
  const mapped = MAPPED.exec(host)?.[1];
  if (mapped !== undefined && isIP(mapped) === 4) return { host: mapped, port };
  if (host === '' || isIP(host) !== 0) return { host, port };
  try {
    // Go takes forms such as `127.1` as names, while the C library takes them as addresses.
    if (/^[\d.]+$/.test(host)) throw new Error('only digits and dots, and not an address');
    const found = await lookup(host, { all: true });
    const first = found.find(({ family }) => family === 4) ?? found[0]!;
    return { host: first.address, port };
  } catch (error) {
    throw new Error(`lookup ${host}: no such host`, { cause: error });
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
