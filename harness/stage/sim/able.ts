import { ALL_CAPABILITIES } from '../../ports/capability.ts';

/** The simulated stage by its name, and what it can do. It is known without loading the stage. */
export const SIM = { name: 'sim', capabilities: ALL_CAPABILITIES } as const;
