import { ALL_CAPABILITIES, type Able } from '../ports/capability.ts';

/** Every system by its name, with what it can do: known before a node of it runs. */
export const SYSTEMS = {
  raft: { name: 'raft', capabilities: ALL_CAPABILITIES },
} as const satisfies Readonly<Record<string, Able>>;
