/** True if `text` is `host:port`. The port is 1 to 65535, and a host with colons must be in brackets. */
export function isAddress(text: string): boolean {
  const [, port] = /^(?:\[[^\]\s]+\]|[^:\s]+):(\d{1,5})$/.exec(text) ?? [];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

/** Host and port of an address. */
export function placeAt(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return {
    host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'),
    port: Number(address.slice(colon + 1)),
  };
}
