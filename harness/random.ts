import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** The named streams of a run. A new consumer takes a new name, so that it does not reshuffle the others. */
export type StreamName = 'schedule' | 'selectors' | 'workload' | 'node-timers' | 'link-weather';

export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** Uniform integer in [min, max], both ends included. */
  int(min: number, max: number): number;
  /** One of a non-empty list. */
  pick<T>(items: readonly T[]): T;
}

/**
 * A stream of the run's one seed. The same (seed, name, salt) gives the same numbers. `salt` tells e.g. one client's
 * stream from another's.
 */
export function randomStream(seed: number, name: StreamName, salt: string | number = ''): Random {
  const generator = xoroshiro128plus(hash32(`${seed}/${name}/${salt}`));
  return {
    float: () => uniformFloat64(generator),
    int: (min, max) => uniformInt(generator, min, max),
    pick: (items) => {
      if (items.length === 0) throw new Error('pick from an empty list');
      return items[uniformInt(generator, 0, items.length - 1)]!;
    },
  };
}

/** FNV-1a, 32 bit: spreads names over seeds; nothing depends on it being strong. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}
