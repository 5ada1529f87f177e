import type { IncomingMessage } from 'node:http';
import { posix } from 'node:path';

/** The target of a request: a path, a redirect, or a refusal. */
export type Target =
  | { readonly type: 'path'; readonly path: string }
  | { readonly type: 'moved'; readonly location: string }
  | { readonly type: 'refused'; readonly status: 400 | 403; readonly body: string };

const LOOPBACK_NAME = /^(?:localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])(?::\d*)?$/i;
/** Characters that Go allows in a Host header. */
const HOST = /^[\w!$%&'()*+,.:;=[\]~-]*$/;
const ABSOLUTE = /^([a-z][a-z0-9+.-]*:\/\/)([^/?]*)/i;

/**
 * Reads the target of a request by the rules of Go's server and router: a path is unescaped, and one that is not clean
 * (`//`, `.`, `..`) is answered with a redirect to the clean one.
 *
 * The real server does not have one of the rules: a host name that is not that of this machine is refused. Otherwise a
 * web page whose name resolves to 127.0.0.1 (DNS rebinding) could read and change the proxies.
 */
export function readTarget(request: IncomingMessage): Target {
  const url = request.url ?? '/';
  const [prefix = '', , authority] = ABSOLUTE.exec(url) ?? [];
  const hosts = request.headersDistinct['host'] ?? [];
  if (hosts.length > 1) return bad();
  if (hosts.length === 0 && request.httpVersion !== '1.0') return bad('missing required Host header');
  const host = authority ?? hosts[0];
  if (!HOST.test(hosts[0] ?? '')) return bad('malformed Host header');
  if (host !== undefined && !LOOPBACK_NAME.test(host))
    return { type: 'refused', status: 403, body: stranger(host) };

  const [, raw, query] = /^([^?]*)(.*)$/s.exec(url.slice(prefix.length))!;
  if (/%(?![0-9a-f]{2})/i.test(raw!)) return bad();
  const bytes = raw!.replaceAll(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const clean = cleaned(bytes);
  if (clean !== bytes) return { type: 'moved', location: prefix + escaped(clean) + query! };
  return { type: 'path', path: Buffer.from(bytes, 'latin1').toString() };
}

const bad = (why?: string): Target => ({
  type: 'refused',
  status: 400,
  body: why === undefined ? '400 Bad Request' : `400 Bad Request: ${why}`,
});

const stranger = (host: string): string =>
  `The host ${JSON.stringify(host)} is not allowed: this server answers only to localhost, 127.0.0.1 and [::1].\n`;

/** An absolute path without empty parts, `.` and `..`; a slash at its end stays. */
function cleaned(path: string): string {
  return posix.normalize(`/${path}`);
}

/** Escapes the bytes that Go escapes in a path. `text` has one character per byte. */
function escaped(text: string): string {
  return text.replaceAll(
    /[^A-Za-z0-9\-_.~$&+,/:;=@]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
