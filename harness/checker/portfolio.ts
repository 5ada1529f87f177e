import { FrontierSearch } from './frontier.ts';
import type { Problem, Search, SearchLimits, SearchResult } from './problem.ts';
import { WglSearch } from './wgl.ts';

/** The first turn of each search, and the longest. A turn is twice as long as the one before. */
const FIRST_TURN_MS = 2;
const LONGEST_TURN_MS = 200;

/**
 * Both searches in turns, each with half of the memory, until one has a result: on some histories the one, on others
 * the other is faster by orders of magnitude. A search that has used up its memory leaves the time to the other one.
 */
export function search(problem: Problem, { deadline, memoryBytes }: SearchLimits): SearchResult {
  const frontier = new FrontierSearch(problem, memoryBytes / 2);
  const going = new Set<Search>([new WglSearch(problem, memoryBytes / 2), frontier]);
  for (let turn = FIRST_TURN_MS; ; turn = Math.min(2 * turn, LONGEST_TURN_MS)) {
    for (const engine of going) {
      const result = engine.run(Math.min(deadline, performance.now() + turn));
      if (result === 'memory') going.delete(engine);
      else if (result !== null) return result;
    }
    if (going.size === 0) return { verdict: 'unknown', limit: 'memory', reach: frontier.reach() };
    if (performance.now() >= deadline) return { verdict: 'unknown', limit: 'time', reach: frontier.reach() };
  }
}
