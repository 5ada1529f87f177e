import type { Target } from '../compared-cluster.ts';
import type { Figures } from '../figures.ts';
import type { Programs } from '../sides.ts';

export interface Bench {
  readonly programs: Programs;
  /** Duration of each measurement in seconds. */
  readonly seconds: number;
}

/** A part of the benchmark that measures one side in one round. A new part is a file and a line in `main.ts`. */
export interface Row {
  readonly name: string;
  /** Set to `chaos` if there is nothing to compare with. */
  readonly sides: readonly Target[];
  /** True if it runs only in the first round, because it takes long. */
  readonly once?: boolean;
  measure(target: Target, bench: Bench): Promise<Figures>;
}

export const BOTH: readonly Target[] = ['chaos', 'etcd'];
export const OURS: readonly Target[] = ['chaos'];
