import { ALL_CAPABILITIES } from '../../ports/capability.ts';

/** Real processes behind a real Toxiproxy: its name and what it can do, known before anything is set up. */
export const LOCAL = { name: 'local', capabilities: ALL_CAPABILITIES } as const;
