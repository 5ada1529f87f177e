import { FrontierSearch } from './frontier.ts';
import type { Problem, Search, SearchLimits, SearchResult } from './problem.ts';
import { WglSearch } from './wgl.ts';

/**
 * Duration of the first turn of each search, in ms. Each turn is twice as long as the one before, up to the longest.
 */
const FIRST_TURN_MS = 2;
const LONGEST_TURN_MS = 100;

/** The searches, in the order of their turns. */
const SEARCHES = [WglSearch, FrontierSearch] as const;

/**
 * Runs both searches in turns, each with half of the memory, until one has a result, because each of them is faster by
 * orders of magnitude on some histories. If a search has used up its memory, the other one gets all the time. Most
 * problems are solved within the first turn of the first search, so the second search is made only when its turn comes.
 */
export class Portfolio {
  readonly #problem: Problem;
  readonly #deadline: number;
  readonly #bytesEach: number;
  /** Searches that have begun. */
  readonly #searches: Search[];
  /** Searches that have used up their memory. */
  readonly #spent = new Set<Search>();
  #turnMs = FIRST_TURN_MS;

  constructor(problem: Problem, { deadline, memoryBytes }: SearchLimits) {
    this.#problem = problem;
    this.#deadline = deadline;
    this.#bytesEach = memoryBytes / SEARCHES.length;
    this.#searches = [new SEARCHES[0](problem, this.#bytesEach)];
  }

  /** Gives each search a turn. Returns null if there is no result yet. */
  turn(longestMs = LONGEST_TURN_MS): SearchResult | null {
    for (const [i, Kind] of SEARCHES.entries()) {
      const search = (this.#searches[i] ??= new Kind(this.#problem, this.#bytesEach));
      if (this.#spent.has(search)) continue;
      const result = search.run(Math.min(this.#deadline, performance.now() + this.#turnMs));
      if (result === 'memory') this.#spent.add(search);
      else if (result !== null) return result;
    }
    this.#turnMs = Math.min(2 * this.#turnMs, longestMs);
    if (this.#spent.size === SEARCHES.length) return this.giveUp('memory');
    return performance.now() >= this.#deadline ? this.giveUp('time') : null;
  }

  /** The result without a verdict, with the progress of the search that got farthest. */
  giveUp(limit: 'time' | 'memory'): SearchResult {
    const reaches = this.#searches.map((begun) => begun.reach());
    const reach = reaches.reduce((far, other) => (other.ordered > far.ordered ? other : far));
    return { verdict: 'unknown', limit, reach };
  }
}

/** Runs the searches without a pause until there is a result. */
export function search(problem: Problem, limits: SearchLimits): SearchResult {
  const portfolio = new Portfolio(problem, limits);
  for (;;) {
    const result = portfolio.turn();
    if (result !== null) return result;
  }
}
