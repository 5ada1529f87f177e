/**
 * A rule of Raft or of the driver's contract is violated. The cause is a programming error, or a loss of data outside
 * of the node's control. The node must stop, because it could lose committed entries otherwise.
 */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws an InvariantError. Call it inside an `if`, so that the text is only built when it is needed. */
export function broken(detail: string): never {
  throw new InvariantError(detail);
}
