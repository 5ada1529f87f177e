import { decodeConfiguration } from './configuration.ts';
import type { Configuration } from './configuration.ts';
import { broken } from './invariant.ts';
import type { Entry, LogIndex, NodeId } from './types.ts';

/**
 * A configuration and its place in the log: the entry's index, or the end of the snapshot that holds it (0: the
 * founding one).
 */
export interface ConfigurationAt {
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

/**
 * The configurations in the log. A server uses the latest one, committed or not (§6), because a majority of C_new could
 * otherwise decide without servers that do not know of it yet. If its entry is removed, the one before it is in force
 * again.
 */
export class Membership {
  /** Ascending; the first is the one in force at the log's base. */
  #history: ConfigurationAt[];

  constructor(base: ConfigurationAt) {
    this.#history = [base];
  }

  get current(): Configuration {
    return this.#history.at(-1)!.configuration;
  }

  /** Index of the current one. */
  get index(): LogIndex {
    return this.#history.at(-1)!.index;
  }

  /** The one before the current one, if the log still holds it. */
  get previous(): Configuration | null {
    return this.#history.at(-2)?.configuration ?? null;
  }

  /** The one in force at `index`, which must not be before the log's base. */
  at(index: LogIndex): Configuration {
    const found = this.#history.findLast((known) => known.index <= index);
    return (found ?? broken(`no configuration at ${index}, the first is at ${this.#history[0]!.index}`))
      .configuration;
  }

  /** The configurations in the log after `after`, up to `upTo`. */
  between(after: LogIndex, upTo: LogIndex): readonly ConfigurationAt[] {
    if (this.index <= after) return [];
    return this.#history.filter(({ index }) => index > after && index <= upTo);
  }

  /** A `config` entry was appended. */
  append(entry: Entry): void {
    const configuration = decodeConfiguration(entry.data);
    if (configuration === null) broken(`entry ${entry.index} holds no configuration`);
    this.#history.push({ index: entry.index, configuration });
  }

  /** The log was truncated from `index` on. Returns whether that changed the configuration in force. */
  truncateFrom(index: LogIndex): boolean {
    if (this.index < index) return false;
    while (this.#history.length > 1 && this.index >= index) this.#history.pop();
    if (this.index >= index) broken(`the configuration at ${this.index} was truncated with ${index}`);
    return true;
  }

  /** The log begins after `index` now. */
  compactTo(index: LogIndex): void {
    const base = this.#history.findLastIndex((known) => known.index <= index);
    if (base > 0) this.#history.splice(0, base);
  }

  /** The log was replaced. */
  reset(base: ConfigurationAt): void {
    this.#history = [base];
  }
}

export function isJoint({ outgoing }: Configuration): boolean {
  return outgoing.length > 0;
}

/** Whether `id` votes in either half. */
export function isVoter({ voters, outgoing }: Configuration, id: NodeId): boolean {
  return voters.includes(id) || outgoing.includes(id);
}

/** Every server that receives the log, once. */
export function membersOf({ voters, outgoing, learners }: Configuration): Set<NodeId> {
  return new Set([...voters, ...outgoing, ...learners]);
}

/**
 * True if the votes and answers of this incarnation of `id` count. Another incarnation has lost its data folder, and
 * its promises with it: it may have voted for another leader, or acknowledged entries that it does not have any more.
 */
export function counts(configuration: Configuration, id: NodeId, incarnation: number): boolean {
  return isVoter(configuration, id) && incarnationOf(configuration, id) === incarnation;
}

/** The incarnation of voter `id` that counts. */
export function incarnationOf({ incarnations }: Configuration, id: NodeId): number {
  return Object.hasOwn(incarnations, id) ? incarnations[id]! : 0;
}
