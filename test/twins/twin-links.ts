import type { LinksServer } from '../../harness/event.ts';
import {
  linkName,
  type LinkCondition,
  type LinkId,
  type Links,
  type LinkTraffic,
} from '../../harness/ports/links.ts';

/** The links of a cluster in memory. Conditions hold at once; messages cross whole, or not at all. */
export class TwinLinks implements Links {
  readonly server: LinksServer = { kind: 'builtin', version: 'twin', url: 'memory:' };
  readonly links: readonly LinkId[];
  readonly #conditions = new Map<string, LinkCondition>();
  readonly #traffic = new Map<string, { received: number; sent: number }>();
  /** Set: the server is gone, every call fails with this. */
  gone: Error | null = null;

  constructor(nodes: readonly string[]) {
    const peers = nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => ({ from, to })));
    this.links = [...peers, ...nodes.map((to) => ({ from: 'clients', to }))];
    for (const link of this.links) this.#traffic.set(linkName(link), { received: 0, sent: 0 });
  }

  address(link: LinkId): string {
    return `memory:${linkName(link)}`;
  }

  async apply(link: LinkId, condition: LinkCondition): Promise<void> {
    this.#answer();
    this.#conditions.set(linkName(link), condition);
  }

  async reset(_link: LinkId): Promise<void> {
    this.#answer();
  }

  async traffic(): Promise<readonly LinkTraffic[]> {
    this.#answer();
    return this.links.map((link) => {
      const { received, sent } = this.#traffic.get(linkName(link))!;
      return { link, receivedBytes: received, sentBytes: sent };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#conditions.clear();
  }

  condition(link: LinkId): LinkCondition {
    return this.#conditions.get(linkName(link)) ?? {};
  }

  /** Sends so many bytes down the link: how many ms later they arrive, or null if they do not. */
  carry(link: LinkId, bytes: number): number | null {
    const { cut, delay } = this.condition(link);
    const count = this.#traffic.get(linkName(link))!;
    if (cut === 'refuse') return null;
    count.received += bytes;
    if (cut === 'blackhole') return null;
    count.sent += bytes;
    return delay?.latencyMs ?? 0;
  }

  #answer(): void {
    if (this.gone !== null) throw this.gone;
  }
}
