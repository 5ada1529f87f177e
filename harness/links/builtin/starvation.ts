let isTold = false;

/**
 * Writes to stderr, once, that this process has no free file descriptors, with the message of the real server. The
 * harness must know this, because connections that are lost for this reason look like those of a failing node.
 */
export function tellStarvation(error: NodeJS.ErrnoException): void {
  if (isTold || (error.code !== 'EMFILE' && error.code !== 'ENFILE')) return;
  isTold = true;
  process.stderr.write(`${error.message}: too many open files\n`);
}
