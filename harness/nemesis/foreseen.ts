import { allLinks } from '../ports/links.ts';
import { EmptyMatch, type FaultKind, type Targets } from './fault.ts';
import { formatSelector, resolveSelector, type Selector } from './selector.ts';

/** Thrown for a selector whose choice depends on the state of the cluster at the time of the step. */
class Unforeseeable extends Error {}

/**
 * The reason why a fault can never have targets in a cluster of `nodes`; null if it can, or if that depends on the run.
 */
export function neverAimed(kind: FaultKind, spec: unknown, nodes: readonly string[]): EmptyMatch | null {
  try {
    kind.aim(spec, foreseenTargets(nodes));
    return null;
  } catch (error) {
    if (error instanceof EmptyMatch) return error;
    if (error instanceof Unforeseeable) return null;
    throw error;
  }
}

function foreseenTargets(nodes: readonly string[]): Targets {
  const taken = new Set<string>();
  return {
    nodes,
    links: allLinks(nodes),
    select: (selector) => {
      if (!isForeseen(selector)) throw new Unforeseeable();
      const electorate = {
        nodes,
        up: [],
        leader: null,
        lastIndex: new Map<string, number>(),
        killed: [],
        bound: new Map(),
      };
      const chosen = resolveSelector(selector, electorate, NO_DRAWS, taken);
      if (chosen.length === 0) throw new EmptyMatch(`\`${formatSelector(selector)}\` matches no node`);
      for (const node of chosen) taken.add(node);
      return chosen;
    },
  };
}

/** Never used, because selectors that draw at random are not evaluated here. */
const NO_DRAWS = { float: () => 0, int: (min: number) => min, pick: <T>(items: readonly T[]) => items[0]! };

function isForeseen(selector: Selector): boolean {
  switch (selector.type) {
    case 'node':
      return true;
    case 'name':
      return false;
    case 'word':
      return selector.word === 'all' || selector.word === 'rest';
    case 'not':
      return isForeseen(selector.of);
    case 'union':
      return selector.of.every(isForeseen);
    default:
      return selector satisfies never;
  }
}
