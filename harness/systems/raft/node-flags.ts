/**
 * Options of Node.js for a node's process. A young generation of 8 MiB a half instead of 16 saves a busy node some
 * 100 MiB of resident memory (207 instead of 307 for a leader after a million puts), at no cost in CPU that was seen.
 * To begin with that much, instead of growing to it, spares a start a tenth of its time.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=8', '--min-semi-space-size=8'];
