import { PROTOCOL_TARGETS } from './protocol-targets.ts';
import { STORAGE_TARGETS } from './storage-targets.ts';
import type { Target } from './target.ts';

/** Every decoder of the node: what comes over a socket, and what comes from a disk. */
export const TARGETS: readonly Target[] = [...PROTOCOL_TARGETS, ...STORAGE_TARGETS];
