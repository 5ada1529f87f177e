/** Bytes of one proxy that it read from sockets and wrote to them, of both streams together. */
export interface ProxyBytes {
  readonly received: number;
  readonly sent: number;
}

const LINE = /^toxiproxy_proxy_(received|sent)_bytes_total\{([^}]*)\} (\S+)$/gm;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Byte counters by proxy name, from Prometheus' text format as Toxiproxy's `/metrics` gives it. */
export function readProxyBytes(text: string): ReadonlyMap<string, ProxyBytes> {
  const byProxy = new Map<string, ProxyBytes>();
  for (const [, which, labels, value] of text.matchAll(LINE)) {
    const name = labelsOf(labels!).get('proxy') ?? '';
    const old = byProxy.get(name) ?? { received: 0, sent: 0 };
    const bytes = Number(value);
    byProxy.set(
      name,
      which === 'received' ? { ...old, received: old.received + bytes } : { ...old, sent: old.sent + bytes },
    );
  }
  return byProxy;
}

function labelsOf(text: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const [, name, value] of text.matchAll(LABEL))
    labels.set(
      name!,
      value!.replaceAll(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c)),
    );
  return labels;
}
