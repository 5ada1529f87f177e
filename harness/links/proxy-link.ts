import { Proxy, Toxic, type Toxiproxy } from 'toxiproxy-node-client';
import { call, DeadlineError } from './deadline.ts';
import { linkName, type LinkCondition, type LinkId } from '../ports/links.ts';
import {
  DORMANT_RESET,
  isBlackhole,
  planFor,
  sameToxic,
  STREAMS,
  type LinkKind,
  type ProxyPlan,
  type ToxicSpec,
} from './toxics.ts';

/** A proxy as the API shows it. */
interface ProxyState {
  readonly enabled: boolean;
  readonly listen: string;
  readonly toxics: readonly ToxicSpec[];
}

export interface ProxyLinkOptions {
  readonly api: Toxiproxy;
  readonly link: LinkId;
  readonly kind: LinkKind;
  /** Name of the proxy on the server. */
  readonly name: string;
  readonly listen: string;
  readonly upstream: string;
  readonly onNote: (text: string) => void;
}

/** One link on the server: one proxy of ours and its wanted toxics. Its calls run one after the other. */
export class ProxyLink {
  readonly link: LinkId;
  readonly listen: string;
  readonly #options: ProxyLinkOptions;
  /** The client's handle. Made here, not fetched: reading a proxy hangs while an edit of its toxics does. */
  readonly #proxy: Proxy;
  /** The condition that was confirmed last. */
  #condition: LinkCondition = {};
  #last: Promise<void> = Promise.resolve();

  private constructor(options: ProxyLinkOptions) {
    this.link = options.link;
    this.listen = options.listen;
    this.#options = options;
    const { api, name, listen, upstream } = options;
    this.#proxy = new Proxy(api, { name, listen, upstream, enabled: true, toxics: [] });
  }

  /** @throws Error when the server refuses, e.g. since the port is in use. */
  static async create(options: ProxyLinkOptions): Promise<ProxyLink> {
    const link = new ProxyLink(options);
    try {
      await link.#create({});
    } catch (error) {
      await link.#delete().catch(() => {});
      throw error;
    }
    return link;
  }

  apply(condition: LinkCondition): Promise<void> {
    return this.#enqueue(async () => {
      try {
        await this.#change(condition);
      } catch (error) {
        if (!(error instanceof DeadlineError)) throw error;
        await this.#rebuild(condition, error);
      }
      this.#condition = condition;
    });
  }

  /**
   * RST on every open connection: the proxy is switched off, which closes them (SO_LINGER is 0, see DORMANT_RESET),
   * and on again. Between the two, for about a millisecond, new connections are refused.
   */
  reset(): Promise<void> {
    return this.#enqueue(async () => {
      const before = planFor(this.#options.kind, this.#condition);
      if (!before.enabled) return;
      try {
        await this.#enable(false);
        await this.#enable(true);
      } catch (error) {
        if (!(error instanceof DeadlineError)) throw error;
        await this.#rebuild(this.#condition, error);
      }
    });
  }

  remove(): Promise<void> {
    return this.#enqueue(() => this.#delete());
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }

  /** Makes the wanted state true in the order in which no byte slips through a cut that holds before and after. */
  async #change(condition: LinkCondition): Promise<void> {
    const plan = planFor(this.#options.kind, condition);
    const now = await this.#read();
    if (!plan.enabled && now.enabled) await this.#enable(false);
    await this.#addMissing(now.toxics, plan.blackholes);
    await this.#shape(now.toxics, plan.shaping);
    // Last: this closes the connections that the black hole swallowed, and new ones must meet the new shape at once.
    await this.#removeUnwanted(now.toxics, plan.blackholes);
    if (plan.enabled && !now.enabled) await this.#enable(true);
    await this.#confirm(plan);
  }

  async #addMissing(current: readonly ToxicSpec[], wanted: readonly ToxicSpec[]): Promise<void> {
    const missing = wanted.filter((toxic) => !current.some((other) => sameToxic(other, toxic)));
    await Promise.all(missing.map((toxic) => this.#add(toxic)));
  }

  async #removeUnwanted(current: readonly ToxicSpec[], wanted: readonly ToxicSpec[]): Promise<void> {
    const unwanted = current.filter(
      (toxic) => isBlackhole(toxic) && !wanted.some((other) => sameToxic(other, toxic)),
    );
    await Promise.all(unwanted.map((toxic) => this.#remove(toxic)));
  }

  /**
   * Streams are independent of each other; within one, toxics are changed in order, and made again where order
   * demands it.
   */
  async #shape(current: readonly ToxicSpec[], wanted: readonly ToxicSpec[]): Promise<void> {
    await Promise.all(
      STREAMS.map(async (stream) => {
        const has = current.filter(
          (toxic) => toxic.stream === stream && !isBlackhole(toxic) && toxic.name !== DORMANT_RESET.name,
        );
        const wants = wanted.filter((toxic) => toxic.stream === stream);
        // A toxic can be kept if everything that is kept before it comes before it in the wanted order too.
        let kept = 0;
        const keep = has.filter((toxic) => {
          const at = wants.findIndex((want) => want.name === toxic.name);
          if (at !== kept) return false;
          kept++;
          return true;
        });
        for (const toxic of has) if (!keep.includes(toxic)) await this.#remove(toxic);
        for (const [i, want] of wants.entries()) {
          const old = keep[i];
          if (old === undefined) await this.#add(want);
          else if (!sameToxic(old, want)) await this.#update(want);
        }
      }),
    );
  }

  async #confirm(plan: ProxyPlan): Promise<void> {
    const now = await this.#read();
    const wanted = [DORMANT_RESET, ...plan.blackholes, ...plan.shaping];
    const right =
      now.enabled === plan.enabled &&
      now.toxics.length === wanted.length &&
      wanted.every((toxic) => now.toxics.some((other) => sameToxic(other, toxic)));
    if (!right) {
      throw new Error(
        `link ${linkName(this.link)}: asked Toxiproxy for ${JSON.stringify({ enabled: plan.enabled, toxics: wanted })}, ` +
          `it now has ${JSON.stringify(now)}; does something else edit this server?`,
      );
    }
  }

  /** Deletes the proxy, including any call that hangs in it, and makes it again on the same address. */
  async #rebuild(condition: LinkCondition, why: DeadlineError): Promise<void> {
    const text = `link ${linkName(this.link)}: ${why.message}; its proxy is deleted and made again, open connections are closed`;
    this.#options.onNote(text);
    await this.#delete();
    await this.#create(condition);
  }

  #delete(): Promise<void> {
    return call(`delete proxy ${this.#proxy.name}`, () => this.#proxy.remove());
  }

  /** The listener opens only when every toxic is in place. */
  async #create(condition: LinkCondition): Promise<void> {
    const { api, kind, name, listen, upstream } = this.#options;
    const plan = planFor(kind, condition);
    await call(`create proxy ${name} on ${listen} (500: the port is probably in use)`, () =>
      api.createProxy({ name, listen, upstream, enabled: false }),
    );
    for (const toxic of [DORMANT_RESET, ...plan.blackholes, ...plan.shaping]) await this.#add(toxic);
    if (plan.enabled) await this.#enable(true);
    await this.#confirm(plan);
  }

  async #read(): Promise<ProxyState> {
    const { api, name } = this.#options;
    // The client's Proxy drops the list of toxics; its HTTP layer gives the whole answer.
    const response = await call(`read proxy ${name}`, () =>
      api.api.get<ProxyState>(`${api.host}/proxies/${name}`),
    );
    return response.data;
  }

  async #enable(enabled: boolean): Promise<void> {
    const { name, listen, upstream } = this.#options;
    const verb = enabled ? 'enable' : 'disable';
    await call(`${verb} proxy ${name} on ${listen}`, () => this.#proxy.update({ enabled, listen, upstream }));
  }

  async #add(toxic: ToxicSpec): Promise<void> {
    await call(`add toxic ${toxic.name} to proxy ${this.#proxy.name}`, () => this.#proxy.addToxic(toxic));
  }

  async #update(toxic: ToxicSpec): Promise<void> {
    await call(`update toxic ${toxic.name} of proxy ${this.#proxy.name}`, () =>
      this.#toxic(toxic).update(toxic),
    );
  }

  async #remove(toxic: ToxicSpec): Promise<void> {
    await call(`remove toxic ${toxic.name} of proxy ${this.#proxy.name}`, () => this.#toxic(toxic).remove());
  }

  #toxic(toxic: ToxicSpec): Toxic<ToxicSpec['attributes']> {
    return new Toxic(this.#options.api.api, this.#proxy.getPath(), toxic);
  }
}
