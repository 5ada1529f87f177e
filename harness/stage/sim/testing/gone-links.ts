import type { LinksServer } from '../../../event.ts';
import type { LinkCondition, LinkId, Links, LinkTraffic } from '../../../ports/links.ts';
import type { SimLinks } from '../links.ts';

/** Links whose server can end: then every call fails. */
export class GoneLinks implements Links {
  readonly server: LinksServer;
  readonly links: readonly LinkId[];
  readonly #links: SimLinks;
  /** If set, the server has ended, and every call fails with this error. */
  gone: Error | null = null;

  constructor(links: SimLinks) {
    this.#links = links;
    this.server = links.server;
    this.links = links.links;
  }

  address(link: LinkId): string {
    return this.#links.address(link);
  }

  async apply(link: LinkId, condition: LinkCondition): Promise<void> {
    this.#answer();
    await this.#links.apply(link, condition);
  }

  async reset(link: LinkId): Promise<void> {
    this.#answer();
    await this.#links.reset(link);
  }

  async traffic(): Promise<readonly LinkTraffic[]> {
    this.#answer();
    return await this.#links.traffic();
  }

  condition(link: LinkId): LinkCondition {
    return this.#links.condition(link);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#links[Symbol.asyncDispose]();
  }

  #answer(): void {
    if (this.gone !== null) throw this.gone;
  }
}
