import type { System } from '../ports/system.ts';
import { raftSystem } from './raft/system.ts';

/** All systems under test by name. `program`: path of the program that is run instead of the system's own. */
export const SYSTEMS: Readonly<Record<string, (program?: string) => System>> = {
  raft: raftSystem,
};
