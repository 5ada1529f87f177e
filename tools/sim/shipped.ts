import { SHIPPED_PARTS } from '../../harness/stage/sim/server.ts';

/** The nodes as they are shipped: what `npm run sim` simulates unless it is told otherwise. */
export const parts = SHIPPED_PARTS;
