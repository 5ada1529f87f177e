/**
 * Options of Node.js for a node's process. A young generation of 8 MiB per half instead of 16 saves a busy node about
 * 100 MiB of resident memory (207 instead of 307 for a leader after a million puts), at no measured cost in CPU.
 * Starting with that size, instead of growing to it, saves a tenth of the start time.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=8', '--min-semi-space-size=8'];
