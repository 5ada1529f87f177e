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
  readonly #frontier: FrontierSearch;
  readonly #going: Set<Search>;
  #turnMs = FIRST_TURN_MS;

  constructor(problem: Problem, { deadline, memoryBytes }: SearchLimits) {
    this.#deadline = deadline;
    this.#frontier = new FrontierSearch(problem, memoryBytes / 2);
    this.#going = new Set<Search>([new WglSearch(problem, memoryBytes / 2), this.#frontier]);
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

  giveUp(limit: 'time' | 'memory'): SearchResult {
    return { verdict: 'unknown', limit, reach: this.#frontier.reach() };
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
