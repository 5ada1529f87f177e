import { LeaderRouter } from '../../workload/router.ts';
import type { Timers } from '../../workload/timers.ts';
import type { WireEnd } from './answers.ts';
import type { Wire } from './wire.ts';

const MAX_OPENING = 4;
const ANSWER_WITHIN_MS = 500;
const RETRY_AFTER_MS = 50;

/**
 * Opens client sessions ahead of need, wherever the leader is, and hands them out. A client that is pinned to a node
 * outside the majority thus still has a session to write with when its last one ended in an unknown outcome; were
 * sessions opened on the client's own node, a cut-off leader would see no writes after the first.
 */
export class SessionDesk {
  readonly #wires: ReadonlyMap<string, Wire>;
  readonly #router: LeaderRouter;
  readonly #timers: Timers;
  readonly #stock: number;
  readonly #ready: number[] = [];
  #opening = 0;
  #stopped = false;

  /** `stock`: number of sessions to keep ready. */
  constructor(options: {
    readonly wires: ReadonlyMap<string, Wire>;
    readonly timers: Timers;
    readonly stock: number;
  }) {
    this.#wires = options.wires;
    this.#router = new LeaderRouter([...options.wires.keys()]);
    this.#timers = options.timers;
    this.#stock = options.stock;
  }

  /** Begins to open sessions. */
  start(): void {
    while (
      !this.#stopped &&
      this.#opening < MAX_OPENING &&
      this.#ready.length + this.#opening < this.#stock
    ) {
      this.#opening++;
      this.#ask();
    }
  }

  /** An unused session; null: none is ready. */
  take(): number | null {
    const session = this.#ready.shift() ?? null;
    this.start();
    return session;
  }

  stop(): void {
    this.#stopped = true;
  }

  #ask(): void {
    if (this.#stopped) return;
    const node = this.#router.pick(() => false, this.#timers.now())!;
    const ask = this.#wires.get(node)!.ask({ type: 'open-session' }, (end) => {
      cancel();
      this.#answered(node, end);
    });
    const cancel = this.#timers.after(ANSWER_WITHIN_MS, () => {
      ask.drop();
      this.#router.silent(node, this.#timers.now());
      this.#ask();
    });
  }

  #answered(node: string, end: WireEnd): void {
    if (end.type === 'answer' && end.result.type === 'session') {
      this.#router.answered(node);
      this.#opening--;
      this.#ready.push(end.result.session);
      return this.start();
    }
    if (end.type === 'answer' && end.result.type === 'error')
      this.#router.notLeader(node, end.result.leader, this.#timers.now());
    else this.#router.silent(node, this.#timers.now());
    this.#timers.after(RETRY_AFTER_MS, () => this.#ask());
  }
}
