import type { StreamDirection } from './toxic-list.ts';

interface Labels {
  readonly direction: StreamDirection;
  readonly proxy: string;
  readonly listener: string;
  readonly upstream: string;
}

/**
 * Bytes of one stream of one proxy, over all its connections. The fields are plain numbers, because every chunk is
 * added.
 */
export interface ByteCount {
  received: number;
  sent: number;
}

/**
 * Counters for `/metrics`. The real server adds a connection's bytes when the connection ends. Here each chunk is
 * counted at once, so that a silent link is visible during a run.
 */
export class ByteCounters {
  readonly #counts = new Map<string, { readonly labels: Labels; readonly count: ByteCount }>();

  for(labels: Labels): ByteCount {
    const key = JSON.stringify(labels);
    const entry = this.#counts.get(key) ?? { labels, count: { received: 0, sent: 0 } };
    this.#counts.set(key, entry);
    return entry.count;
  }

  /** The counters in Prometheus' text format. */
  text(): string {
    return `${this.#metric('received')}${this.#metric('sent')}`;
  }

  #metric(which: keyof ByteCount): string {
    if (this.#counts.size === 0) return '';
    const name = `toxiproxy_proxy_${which}_bytes_total`;
    const lines = [...this.#counts.values()].map(
      ({ labels: { direction, listener, proxy, upstream }, count }) => {
        const pairs = Object.entries({ direction, listener, proxy, upstream }).map(
          ([key, value]) => `${key}=${JSON.stringify(value)}`,
        );
        return `${name}{${pairs.join(',')}} ${count[which]}`;
      },
    );
    return `# HELP ${name} \n# TYPE ${name} counter\n${lines.sort().join('\n')}\n`;
  }
}
