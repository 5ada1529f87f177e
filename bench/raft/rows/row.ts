import type { Target } from '../cluster.ts';
import type { Figures } from '../figures.ts';
import type { Programs } from '../sides.ts';

export interface Bench {
  readonly programs: Programs;
  /** Measured time of one figure, s. */
  readonly seconds: number;
}

/** A part of the bench: what it measures of one side in one round. A new one is a file and a line in `main.ts`. */
export interface Row {
  readonly name: string;
  /** `chaos`: there is nothing to compare with. */
  readonly sides: readonly Target[];
  /** In the first round only: it takes long. */
  readonly once?: boolean;
  measure(target: Target, bench: Bench): Promise<Figures>;
}

export const BOTH: readonly Target[] = ['chaos', 'etcd'];
export const OURS: readonly Target[] = ['chaos'];
