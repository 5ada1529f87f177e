import type { HarnessEvent } from '../event.ts';
import { linkName, type LinkCondition, type LinkId, type Links } from '../ports/links.ts';
import { sumConditions } from './link-sum.ts';

interface LinkEntry {
  readonly link: LinkId;
  /** Condition that each live fault puts on this link, by handle. */
  readonly live: Map<string, LinkCondition>;
  /** The last condition that the server confirmed, as JSON for comparison. */
  confirmed: string;
  /** Resolves when all changes of this link so far have been made or have failed. */
  tail: Promise<void>;
}

const CLEAN = JSON.stringify({});

/**
 * Conditions that live faults put on links. The condition of a link is the sum over its live faults, so lifting one
 * fault never lifts another. Calls for one link run one after another; each applies the sum that is valid when the call
 * runs.
 */
export class LinkLedger {
  readonly #links: Links;
  readonly #emit: (event: HarnessEvent) => void;
  readonly #now: () => number;
  readonly #entries: ReadonlyMap<string, LinkEntry>;

  constructor(links: Links, now: () => number, emit: (event: HarnessEvent) => void) {
    this.#links = links;
    this.#now = now;
    this.#emit = emit;
    this.#entries = new Map(
      links.links.map((link) => [
        linkName(link),
        { link, live: new Map(), confirmed: CLEAN, tail: Promise.resolve() },
      ]),
    );
  }

  /**
   * Puts the condition of `handle` on these links and replaces its earlier one. Returns when the server has confirmed
   * all of them.
   */
  async put(handle: string, links: readonly LinkId[], condition: LinkCondition): Promise<void> {
    const entries = links.map((link) => this.#entry(link));
    for (const entry of entries) entry.live.set(handle, condition);
    await this.#settle(entries);
  }

  /** Removes the condition of `handle` from every link. All links are tried, then the first failure is thrown. */
  async lift(handle: string): Promise<void> {
    const entries = [...this.#entries.values()].filter((entry) => entry.live.delete(handle));
    await this.#settle(entries);
  }

  /** Condition that the link should have now. */
  condition(link: LinkId): LinkCondition {
    return sumConditions([...this.#entry(link).live.values()]);
  }

  #entry(link: LinkId): LinkEntry {
    const entry = this.#entries.get(linkName(link));
    if (entry === undefined)
      throw new Error(
        `there is no link ${linkName(link)}; there are ${[...this.#entries.keys()].join(', ')}`,
      );
    return entry;
  }

  async #settle(entries: readonly LinkEntry[]): Promise<void> {
    const results = await Promise.allSettled(entries.map((entry) => this.#bring(entry)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason as Error;
  }

  #bring(entry: LinkEntry): Promise<void> {
    const turn = entry.tail.then(() => this.#apply(entry));
    entry.tail = turn.catch(() => undefined);
    return turn;
  }

  async #apply(entry: LinkEntry): Promise<void> {
    const condition = sumConditions([...entry.live.values()]);
    const wanted = JSON.stringify(condition);
    if (wanted === entry.confirmed) return;
    this.#emitLink(entry.link, condition, true);
    try {
      await this.#links.apply(entry.link, condition);
    } catch (error) {
      // The condition of the link is now unknown, so the next one must be applied even if it is equal to the last one.
      entry.confirmed = 'unknown';
      throw error;
    }
    entry.confirmed = wanted;
    this.#emitLink(entry.link, condition, false);
  }

  #emitLink(link: LinkId, { slice, ...condition }: LinkCondition, pending: boolean): void {
    this.#emit({
      t: this.#now(),
      type: 'link',
      link: linkName(link),
      pending,
      ...condition,
      ...(slice !== undefined && { slice: true }),
    });
  }
}
