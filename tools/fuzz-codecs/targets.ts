import { PROTOCOL_TARGETS } from './protocol-targets.ts';
import { STORAGE_TARGETS } from './storage-targets.ts';
import type { Target } from './target.ts';

/** All decoders of the node, for bytes from a socket and bytes from a disk. */
export const TARGETS: readonly Target[] = [...PROTOCOL_TARGETS, ...STORAGE_TARGETS];
