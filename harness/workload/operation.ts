import type { OpFunction } from '../history/op.ts';
import type { Ask, AttemptEnd, SystemClient, SystemRequest } from '../ports/client.ts';
import { classifyAttempt, classifyTimeout, type OpEnd } from './outcome.ts';
import type { Router } from './router.ts';
import type { Timers } from './timers.ts';

/** Share of an operation's timeout after which a client that follows the leader asks a second node too. */
const SECOND_OPINION_SHARE = 0.25;
/** Minimum time until a second node is asked, in ms. */
const MIN_SECOND_OPINION_MS = 100;
const FIRST_RETRY_MS = 5;
const MAX_RETRY_MS = 100;

export interface OperationParts {
  readonly f: OpFunction;
  /** The request, which is the same for every attempt. */
  readonly request: SystemRequest;
  readonly timeoutMs: number;
  readonly router: Router;
  readonly client: SystemClient;
  /** True if the request may be sent again while an earlier attempt may still take effect. */
  readonly mayRepeat: boolean;
  readonly timers: Timers;
  /** Random number in [0, 1), which spreads retries. */
  readonly jitter: () => number;
  readonly onEnd: (end: OpEnd, node: string, attempts: number) => void;
}

/**
 * One operation from its first attempt to its outcome. There is at most one open attempt per node. While one node is
 * silent, a client that follows the leader also asks the next node (the same request, which is applied once), and the
 * first decisive answer counts. After the operation's end, nothing of it is sent any more.
 */
export class Operation {
  readonly #parts: OperationParts;
  readonly #asks = new Map<string, Ask>();
  /** Number of attempts that ended although it is unknown whether they take effect. */
  #lost = 0;
  #attemptsEnded = 0;
  #retries = 0;
  #lastError: string | null = null;
  #lastNode: string;
  #ended = false;
  readonly #cancelDeadline: () => void;
  #cancelNext: () => void = () => {};

  /** `first` is the node with which the invocation was recorded. */
  constructor(parts: OperationParts, first: string) {
    this.#parts = parts;
    this.#lastNode = first;
    this.#cancelDeadline = parts.timers.after(parts.timeoutMs, () => this.timeOut());
    this.#attempt(first);
  }

  /** Ends the operation now, as if its timeout had expired. */
  timeOut(): void {
    if (!this.#ended) this.#end(classifyTimeout(this.#parts.f, this.#uncertain(), this.#lastError));
  }

  #attempt(node: string): void {
    const { request, client } = this.#parts;
    this.#lastNode = node;
    const ask = client.ask(node, request, (end) => this.#attemptEnded(node, ask, end));
    this.#asks.set(node, ask);
    this.#askAnotherIfSilent(node);
  }

  #askAnotherIfSilent(node: string): void {
    const { router, timers, timeoutMs, mayRepeat } = this.#parts;
    if (router.pinned || !mayRepeat) return;
    const delayMs = Math.max(MIN_SECOND_OPINION_MS, timeoutMs * SECOND_OPINION_SHARE);
    this.#next(delayMs, () => {
      router.silent(node, timers.now());
      this.#attemptAnywhere();
    });
  }

  /** Asks the node that the router names, or keeps waiting if every node has an open attempt. */
  #attemptAnywhere(): void {
    const { router, timers } = this.#parts;
    const node = router.pick((each) => this.#asks.has(each), timers.now());
    if (node !== null) this.#attempt(node);
  }

  #attemptEnded(node: string, ask: Ask, end: AttemptEnd): void {
    if (this.#ended) return;
    this.#asks.delete(node);
    if (ask.sent) this.#attemptsEnded++;
    const { f, router } = this.#parts;
    const othersUncertain = f !== 'read' && this.#uncertain();
    const classified = classifyAttempt({ f, othersUncertain, pinned: router.pinned }, end);
    this.#tellRouter(node, end);
    if (classified.type === 'end') {
      this.#lastNode = node;
      return this.#end(classified);
    }
    if (classified.uncertain && !this.#parts.mayRepeat) {
      this.#lastNode = node;
      return this.#end({ type: 'end', outcome: 'info', error: classified.error });
    }
    if (classified.uncertain) this.#lost++;
    this.#lastError = classified.error;
    this.#next(this.#retryDelayMs(), () => this.#attemptAnywhere());
  }

  #tellRouter(node: string, end: AttemptEnd): void {
    const { router, timers } = this.#parts;
    if (end.type !== 'answer') return router.silent(node, timers.now());
    const { result } = end;
    if (result.type !== 'refused') return router.answered(node);
    router.notLeader(node, result.leader, timers.now());
  }

  /**
   * Delay of the next retry, in ms. The first retry has none unless the client is pinned, because a hint is usually
   * right; each later one waits longer.
   */
  #retryDelayMs(): number {
    const retry = this.#retries++;
    if (retry === 0 && !this.#parts.router.pinned) return 0;
    return Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** retry) * (0.5 + this.#parts.jitter());
  }

  /** True if some attempt was sent and has not been definitely refused. */
  #uncertain(): boolean {
    if (this.#lost > 0) return true;
    for (const ask of this.#asks.values()) if (ask.sent) return true;
    return false;
  }

  #next(delayMs: number, action: () => void): void {
    this.#cancelNext();
    this.#cancelNext = this.#parts.timers.after(delayMs, action);
  }

  #end(end: OpEnd): void {
    this.#ended = true;
    this.#cancelDeadline();
    this.#cancelNext();
    let attempts = this.#attemptsEnded;
    for (const ask of this.#asks.values()) {
      if (ask.sent) attempts++;
      ask.drop();
    }
    this.#parts.onEnd(end, this.#lastNode, attempts);
  }
}
