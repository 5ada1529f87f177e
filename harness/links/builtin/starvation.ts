let isTold = false;

/**
 * Writes to stderr, once, that this process has no free file descriptors, in the words of the real server. Connections
 * that are lost because of it look like those of a failing node, so the harness has to know.
 */
export function tellStarvation(error: NodeJS.ErrnoException): void {
  if (isTold || (error.code !== 'EMFILE' && error.code !== 'ENFILE')) return;
  isTold = true;
  process.stderr.write(`${error.message}: too many open files\n`);
}
