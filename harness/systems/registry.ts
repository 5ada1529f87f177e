import type { System } from '../ports/system.ts';

/** Makes a system. `program`: path of the program that is run instead of the system's own. */
type MakeSystem = (program?: string) => System;

/**
 * All systems under test by name: one line per system. A system is loaded only when it is used, so that the scenario
 * language can check names against this table.
 */
export const SYSTEMS: Readonly<Record<string, () => Promise<MakeSystem>>> = {
  raft: async () => (await import('./raft/system.ts')).raftSystem,
};
