import { bandwidth } from './faults/bandwidth.ts';
import { cut } from './faults/cut.ts';
import { delay } from './faults/delay.ts';
import type { FaultKind } from './fault.ts';
import { flap } from './faults/flap.ts';
import { kill, stop } from './faults/kill.ts';
import { partition } from './faults/partition.ts';
import { pause } from './faults/pause.ts';
import { reset } from './faults/reset.ts';
import { restart, resume } from './faults/restart.ts';
import { rollingRestart } from './faults/rolling-restart.ts';
import { slice } from './faults/slice.ts';

const KINDS = [
  partition, cut, delay, bandwidth, slice, reset, flap,
  kill, stop, restart, pause, resume, rollingRestart,
] as const; // prettier-ignore

/** Every kind of fault by its verb. A new kind needs a file and a line here. */
export const FAULTS: ReadonlyMap<string, FaultKind> = new Map(KINDS.map((kind) => [kind.verb, kind]));
