import { decodeConfiguration } from './configuration.ts';
import type { Configuration } from './configuration.ts';
import { broken } from './invariant.ts';
import type { Entry, LogIndex, NodeId } from './types.ts';

/**
 * A configuration and its place in the log: the index of its entry, or the end of the snapshot that holds it. The
 * founding configuration has index 0.
 */
export interface ConfigurationAt {
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

/**
 * The configurations in the log. A server uses the latest one, committed or not (§6). Otherwise a majority of C_new
 * could decide while other servers do not use C_new yet. If its entry is removed, the configuration before it is in
 * force again.
 */
export class Membership {
  /** Configurations by ascending index. The first one was in force at the log's base. */
  #history: ConfigurationAt[];

  constructor(base: ConfigurationAt) {
    this.#history = [base];
  }

  get current(): Configuration {
    return this.#history.at(-1)!.configuration;
  }

  /** Index of the current configuration. */
  get index(): LogIndex {
    return this.#history.at(-1)!.index;
  }

  /** The configuration before the current one, if the log still holds it. */
  get previous(): Configuration | null {
    return this.#history.at(-2)?.configuration ?? null;
  }

  /** The configuration in force at `index`, which must not be before the log's base. */
  at(index: LogIndex): Configuration {
    const found = this.#history.findLast((known) => known.index <= index);
    return (found ?? broken(`no configuration at ${index}, the first is at ${this.#history[0]!.index}`))
      .configuration;
  }

  /** The configurations in the log after index `after`, up to index `upTo`. */
  between(after: LogIndex, upTo: LogIndex): readonly ConfigurationAt[] {
    if (this.index <= after) return [];
    return this.#history.filter(({ index }) => index > after && index <= upTo);
  }

  /** Call it when a `config` entry was appended. */
  append(entry: Entry): void {
    const configuration = decodeConfiguration(entry.data);
    if (configuration === null) broken(`entry ${entry.index} holds no configuration`);
    this.#history.push({ index: entry.index, configuration });
  }

  /** Call it when the log was truncated from `index` on. Returns true if that changed the configuration in force. */
  truncateFrom(index: LogIndex): boolean {
    if (this.index < index) return false;
    while (this.#history.length > 1 && this.index >= index) this.#history.pop();
    if (this.index >= index)
      broken(`the log was truncated from ${index}, before its first configuration at ${this.index}`);
    return true;
  }

  /** Call it when the entries up to `index` were removed from the log. */
  compactTo(index: LogIndex): void {
    const base = this.#history.findLastIndex((known) => known.index <= index);
    if (base > 0) this.#history.splice(0, base);
  }

  /** Call it when the log was replaced by a snapshot. */
  reset(base: ConfigurationAt): void {
    this.#history = [base];
  }
}

export function isJoint({ outgoing }: Configuration): boolean {
  return outgoing.length > 0;
}

/** True if `id` votes in at least one half. */
export function isVoter({ voters, outgoing }: Configuration, id: NodeId): boolean {
  return voters.includes(id) || outgoing.includes(id);
}

/** All servers that receive the log, without duplicates. */
export function membersOf({ voters, outgoing, learners }: Configuration): Set<NodeId> {
  return new Set([...voters, ...outgoing, ...learners]);
}

/**
 * True if the votes and answers of this incarnation of `id` count. A server with another incarnation has lost its data
 * folder with all promises: before, it may have voted for another leader, or acknowledged entries that it lacks now.
 */
export function counts(configuration: Configuration, id: NodeId, incarnation: number): boolean {
  return isVoter(configuration, id) && incarnationOf(configuration, id) === incarnation;
}

/** The incarnation of voter `id` that counts. */
export function incarnationOf({ incarnations }: Configuration, id: NodeId): number {
  return Object.hasOwn(incarnations, id) ? incarnations[id]! : 0;
}
