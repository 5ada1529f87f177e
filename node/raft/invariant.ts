/**
 * A rule of Raft or of the driver's contract with it is violated, which is impossible without a programming error, or
 * data was lost outside of the node's control. Going on could lose committed entries, so the node must stop.
 */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws an InvariantError. Call it inside an `if`, so that the text is only built when it is needed. */
export function broken(detail: string): never {
  throw new InvariantError(detail);
}
