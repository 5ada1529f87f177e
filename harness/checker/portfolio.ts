import { FrontierSearch } from './frontier.ts';
import type { Problem, Search, SearchLimits, SearchResult } from './problem.ts';
import { WglSearch } from './wgl.ts';

/** The first turn of each search, and the longest. A turn is twice as long as the one before. */
const FIRST_TURN_MS = 2;
const LONGEST_TURN_MS = 100;

/**
 * Both searches in turns, each with half of the memory, until one has a result: on some histories the one, on others
 * the other is faster by orders of magnitude. A search that has used up its memory leaves the time to the other one.
 */
export class Portfolio {
  readonly #deadline: number;
  readonly #searches: readonly Search[];
  readonly #going: Set<Search>;
  #turnMs = FIRST_TURN_MS;

  constructor(problem: Problem, { deadline, memoryBytes }: SearchLimits) {
    this.#deadline = deadline;
    this.#searches = [new WglSearch(problem, memoryBytes / 2), new FrontierSearch(problem, memoryBytes / 2)];
    this.#going = new Set(this.#searches);
  }

  /** A turn of each search; null: no result yet. */
  turn(longestMs = LONGEST_TURN_MS): SearchResult | null {
    for (const engine of this.#going) {
      const result = engine.run(Math.min(this.#deadline, performance.now() + this.#turnMs));
      if (result === 'memory') this.#going.delete(engine);
      else if (result !== null) return result;
    }
    this.#turnMs = Math.min(2 * this.#turnMs, longestMs);
    if (this.#going.size === 0) return this.giveUp('memory');
    return performance.now() >= this.#deadline ? this.giveUp('time') : null;
  }

  /** With the reach of the search that got farthest. */
  giveUp(limit: 'time' | 'memory'): SearchResult {
    const reaches = this.#searches.map((engine) => engine.reach());
    const reach = reaches.reduce((far, other) => (other.ordered > far.ordered ? other : far));
    return { verdict: 'unknown', limit, reach };
  }
}

/** Without a pause. */
export function search(problem: Problem, limits: SearchLimits): SearchResult {
  const portfolio = new Portfolio(problem, limits);
  for (;;) {
    const result = portfolio.turn();
    if (result !== null) return result;
  }
}
