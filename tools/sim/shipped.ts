import { SHIPPED_PARTS } from '../../harness/stage/sim/server.ts';

/** Parts of the shipped nodes, which `npm run sim` simulates by default. */
export const parts = SHIPPED_PARTS;
