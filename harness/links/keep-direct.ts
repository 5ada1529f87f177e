/**
 * Makes Node.js send HTTP requests to a host of this machine without a proxy. With NODE_USE_ENV_PROXY=1, Node.js sends
 * every request through HTTP_PROXY, also one to 127.0.0.1, where the proxy would look for the server on its own
 * machine. The list of exceptions is read at each request. Other programs that are started from here inherit it.
 */
export function keepDirect({ hostname }: URL): void {
  if (!LOOPBACK.test(hostname)) return;
  for (const name of ['NO_PROXY', 'no_proxy']) {
    const hosts = (process.env[name] ?? '').split(/[,\s]+/).filter((host) => host !== '');
    if (!hosts.includes(hostname) && !hosts.includes('*')) process.env[name] = [...hosts, hostname].join(',');
  }
}

/** Names of this machine only: `localhost`, 127.0.0.0/8 and ::1. */
const LOOPBACK = /^(?:localhost|(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
