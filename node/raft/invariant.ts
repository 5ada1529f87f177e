/**
 * A rule that Raft, or the driver's contract with it, can never break was broken: a programmer's error, or data that
 * was lost behind the node's back. Going on could lose committed entries, so the node must stop.
 */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws an InvariantError. Call it behind an `if`, so that the text is only built when it is needed. */
export function broken(detail: string): never {
  throw new InvariantError(detail);
}
