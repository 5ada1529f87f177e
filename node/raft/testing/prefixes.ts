import type { Entry } from '../types.ts';

/**
 * One server's log in memory: for each index the identity of the whole log up to this index. The identity begins with
 * the entry's term. Two logs with the same identity at an index are equal up to it. If a log begins with a snapshot,
 * its first identity is that of the snapshot's end.
 */
export class Prefixes {
  #base = 0;
  /** Identities by index. The first one is that of the base. */
  #identities: string[] = [''];

  get lastIndex(): number {
    return this.#base + this.#identities.length - 1;
  }

  get last(): string {
    return this.#identities.at(-1)!;
  }

  /** The identity at `index`; undefined outside of the log. */
  at(index: number): string | undefined {
    return this.#identities[index - this.#base];
  }

  push({ term, data }: Entry): string {
    const identity = `${term}.${data.join('')}${hash(this.last)}`;
    this.#identities.push(identity);
    return identity;
  }

  truncateFrom(index: number): void {
    this.#identities.length = index - this.#base;
  }

  /** Replaces the log by a snapshot. */
  reset(index: number, identity: string): void {
    this.#base = index;
    this.#identities = [identity];
  }

  /** True if an entry of `term` is in the log. */
  hasTerm(term: number): boolean {
    return this.#identities.some((identity) => termOf(identity) === term);
  }
}

/** The term of the entry that an identity belongs to; NaN before the first entry. */
export function termOf(identity: string): number {
  return Number.parseInt(identity, 10);
}

/** FNV-1a hash of the text, so that the identity of a long prefix is a short string. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return `#${value >>> 0}`;
}
