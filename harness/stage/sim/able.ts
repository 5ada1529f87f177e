import { ALL_CAPABILITIES } from '../../ports/capability.ts';

/**
 * Name and capabilities of the simulated stage, in a file of their own so that they are known without loading the
 * stage.
 */
export const SIM = { name: 'sim', capabilities: ALL_CAPABILITIES } as const;
