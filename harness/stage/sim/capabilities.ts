import { ALL_CAPABILITIES } from '../../ports/capability.ts';

/** Our own node under virtual time: its name and what it can do, known before anything is set up. */
export const SIM = { name: 'sim', capabilities: ALL_CAPABILITIES } as const;
