import { bandwidth } from './bandwidth.ts';
import { cut } from './cut.ts';
import { delay } from './delay.ts';
import type { FaultKind } from './fault.ts';
import { flap } from './flap.ts';
import { kill, stop } from './kill.ts';
import { partition } from './partition.ts';
import { pause } from './pause.ts';
import { reset } from './reset.ts';
import { restart, resume } from './restart.ts';
import { rollingRestart } from './rolling-restart.ts';
import { slice } from './slice.ts';

const KINDS = [
  partition, cut, delay, bandwidth, slice, reset, flap,
  kill, stop, restart, pause, resume, rollingRestart,
] as const; // prettier-ignore

/** Every fault that this engine has, by its verb. A new one is a file and a line here. */
export const FAULTS: ReadonlyMap<string, FaultKind> = new Map(KINDS.map((kind) => [kind.verb, kind]));
