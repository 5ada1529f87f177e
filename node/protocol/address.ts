/** Whether `text` is `host:port`, with brackets around a host that has colons, and a port of 1 to 65535. */
export function isAddress(text: string): boolean {
  const [, port] = /^(?:\[[^\]\s]+\]|[^:\s]+):(\d{1,5})$/.exec(text) ?? [];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

/** Of an address: where to dial. */
export function placeAt(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return {
    host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'),
    port: Number(address.slice(colon + 1)),
  };
}
