/** Why a run did not come to its own end. */
export type Ending =
  /** From outside, by a signal or a key. `abort`: at once, without checks. */
  | { readonly kind: 'interrupted'; readonly by: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'stop' | 'abort' }
  /** The harness or its environment failed. */
  | { readonly kind: 'error'; readonly message: string }
  /** A node ended, and nobody had asked it to. */
  | { readonly kind: 'node-exit'; readonly message: string }
  /** A property is broken for good, and the run was to stop at that. */
  | { readonly kind: 'violated'; readonly message: string }
  /** What a step waited for did not come. */
  | { readonly kind: 'failed'; readonly message: string }
  /** A selector matched nothing, or the steady state was not reached. */
  | { readonly kind: 'inconclusive'; readonly message: string };

export const messageOf = (ending: Ending): string =>
  'message' in ending ? ending.message : `the run was ended by ${ending.by}`;

/** The scenario came to this by itself: nobody and nothing else ended it. */
export const isOwn = (ending: Ending): boolean => ending.kind === 'failed' || ending.kind === 'inconclusive';

/**
 * The steps cannot go on. `expectation`: what a step waited for did not come; `empty`: a selector matched
 * nothing; `steady`: they never began.
 */
export class StepsEnded extends Error {
  override readonly name = 'StepsEnded';
  readonly kind: 'expectation' | 'empty' | 'steady';
  constructor(kind: 'expectation' | 'empty' | 'steady', message: string) {
    super(message);
    this.kind = kind;
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Of an abort signal's reason: a signal's name, or whatever failed. */
export function endingOfReason(reason: unknown): Ending {
  const by = SIGNALS.find((name) => name === reason);
  return by === undefined ? { kind: 'error', message: textOf(reason) } : { kind: 'interrupted', by };
}

/** Of what the start, the steady phase or the steps threw. */
export function endingOfError(error: unknown): Ending {
  if (!(error instanceof StepsEnded)) return { kind: 'error', message: textOf(error) };
  return { kind: error.kind === 'expectation' ? 'failed' : 'inconclusive', message: error.message };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
