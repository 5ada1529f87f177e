import type { Entry } from '../types.ts';

/**
 * What one server's log holds in memory: at each index the identity of the whole log up to there. The identity begins
 * with the entry's term; two logs with the same identity at an index are the same up to it. A log that begins with a
 * snapshot has the identity of its end.
 */
export class Prefixes {
  #base = 0;
  /** The first one is that at the base. */
  #identities: string[] = [''];

  get lastIndex(): number {
    return this.#base + this.#identities.length - 1;
  }

  get last(): string {
    return this.#identities.at(-1)!;
  }

  /** Undefined outside of the log. */
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

  /** A snapshot takes its place. */
  reset(index: number, identity: string): void {
    this.#base = index;
    this.#identities = [identity];
  }

  /** Whether an entry of `term` is in the log. */
  hasTerm(term: number): boolean {
    return this.#identities.some((identity) => termOf(identity) === term);
  }
}

/** The term of the entry that an identity belongs to; NaN before the first. */
export function termOf(identity: string): number {
  return Number.parseInt(identity, 10);
}

/** FNV-1a over the text: chains a prefix into a short string. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return `#${value >>> 0}`;
}
