import { ALL_CAPABILITIES, type Able } from '../ports/capability.ts';

/** Every stage by its name, with what it can do: known before anything of it is set up. */
export const STAGES = {
  local: { name: 'local', capabilities: ALL_CAPABILITIES },
  sim: { name: 'sim', capabilities: ALL_CAPABILITIES },
} as const satisfies Readonly<Record<string, Able>>;
