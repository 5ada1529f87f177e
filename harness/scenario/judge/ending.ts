/** Reason why a run was ended early. */
export type Ending =
  /** It was ended from outside, by a signal or a key. `abort`: at once, without checks. */
  | { readonly kind: 'interrupted'; readonly by: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'stop' | 'abort' }
  /** The harness or its environment failed. */
  | { readonly kind: 'error'; readonly message: string }
  /** A node process ended although the harness had not asked it to. */
  | { readonly kind: 'node-exit'; readonly message: string }
  /** A violation was found, and the run was to stop at the first one. */
  | { readonly kind: 'violated'; readonly message: string }
  /** A step waited for a condition that did not come true in time. */
  | { readonly kind: 'failed'; readonly message: string }
  /** A selector matched nothing, the steady state was not reached, or the harness stood still during a wait. */
  | { readonly kind: 'inconclusive'; readonly message: string };

export const messageOf = (ending: Ending): string =>
  'message' in ending ? ending.message : `the run was ended by ${ending.by}`;

/** True if the scenario itself led to this ending, and nothing from outside. */
export const isOwn = (ending: Ending): boolean => ending.kind === 'failed' || ending.kind === 'inconclusive';

/**
 * The steps cannot go on. `expectation`: the condition of a wait did not come true in time; `empty`: a selector matched
 * nothing; `limit`: there were too many of them; `steady`: the steady state was not reached, so that the steps never
 * began; `stalled`: the condition of a wait did not come true in time, but the harness had stood still, or reports of a
 * node were lost.
 */
export class StepsEnded extends Error {
  override readonly name = 'StepsEnded';
  readonly kind: 'expectation' | 'empty' | 'limit' | 'steady' | 'stalled';
  constructor(kind: StepsEnded['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The ending for an abort signal's reason, which is a signal's name or the error that occurred. */
export function endingOfReason(reason: unknown): Ending {
  const by = SIGNALS.find((name) => name === reason);
  return by === undefined ? { kind: 'error', message: textOf(reason) } : { kind: 'interrupted', by };
}

/** The ending for an error that the start, the steady phase or the steps threw. */
export function endingOfError(error: unknown): Ending {
  if (!(error instanceof StepsEnded)) return { kind: 'error', message: textOf(error) };
  return { kind: error.kind === 'expectation' ? 'failed' : 'inconclusive', message: error.message };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
