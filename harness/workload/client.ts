import type { Op } from '../history/op.ts';
import type { Recorder } from '../history/recorder.ts';
import type { Random } from '../random.ts';
import type { SystemClient } from '../ports/client.ts';
import type { Generator } from './generator.ts';
import { Operation } from './operation.ts';
import type { OpEnd } from './outcome.ts';
import type { Router } from './router.ts';
import type { Timers } from './timers.ts';

/** Pause of a client after an operation that no node served, in ms. It is doubled at each repetition, at most twice. */
const FIRST_REST_MS = 100;
const MAX_REST_DOUBLINGS = 2;
/** Time until a client that may not mutate yet checks again, in ms, if the mix has no reads. */
const MUTATE_POLL_MS = 20;

export interface ClientParts {
  readonly index: number;
  /** Number of all clients. A new process number is the old one plus this number, as in Jepsen. */
  readonly clients: number;
  readonly timeoutMs: number;
  readonly router: Router;
  /** The client of the system, with its own connections to the nodes. */
  readonly client: SystemClient;
  /** See `SystemClients`. */
  readonly appliesOnce: boolean;
  readonly timers: Timers;
  readonly random: Random;
  readonly generator: Generator;
  readonly recorder: Recorder;
  /**
   * Called when an operation has completed. `worked` is false if no node served it: then its slot can be used again.
   */
  readonly onOp: (op: Op, worked: boolean) => void;
  /** Called when the client can take its next operation. */
  readonly onReady: (client: Client) => void;
}

/**
 * A logical client: one operation at a time, its own connection to each node, its process number. After an unknown
 * outcome the process number retires: the old write may still be applied.
 */
export class Client {
  readonly #parts: ClientParts;
  #process: number;
  #operation: Operation | null = null;
  #unserved = 0;
  #cancelRest: () => void = () => {};
  #stopped = false;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#process = parts.index;
  }

  get busy(): boolean {
    return this.#operation !== null;
  }

  /** Begins an operation. The client must be ready. Returns false if it may not do any operation now; then it rests. */
  begin(): boolean {
    const { index, generator, recorder, router, timers, timeoutMs, client, random, appliesOnce } =
      this.#parts;
    const task = generator.next(index, client.mayMutate());
    if (task === null) {
      this.#rest(MUTATE_POLL_MS);
      return false;
    }
    const node = router.pick(() => false, timers.now())!;
    const request = client.request(task);
    const open = recorder.invoke({ process: this.#process, ...task, node });
    this.#operation = new Operation(
      {
        f: task.f,
        request,
        timeoutMs,
        router,
        timers,
        client,
        mayRepeat: appliesOnce || task.f === 'read',
        jitter: () => random.float(),
        onEnd: (end, last, attempts) => {
          const { type: _, ...outcome } = end;
          const op = recorder.complete(open, { ...outcome, node: last, attempts });
          this.#ended(op, end);
        },
      },
      node,
    );
    return true;
  }

  /** Ends the open operation as if its timeout had expired; no new one begins. */
  stop(): void {
    this.#stopped = true;
    this.#cancelRest();
    this.#operation?.timeOut();
  }

  #ended(op: Op, end: OpEnd): void {
    this.#operation = null;
    if (op.outcome === 'info') this.#process += this.#parts.clients;
    this.#parts.client.ended(op.outcome, end.error);
    this.#observe(op);
    const unserved = op.outcome === 'fail' && end.error !== 'cas-mismatch' && end.error !== 'timeout';
    this.#unserved = unserved ? this.#unserved + 1 : 0;
    this.#parts.onOp(op, !unserved);
    if (this.#stopped) return;
    if (unserved) this.#rest(FIRST_REST_MS * 2 ** Math.min(MAX_REST_DOUBLINGS, this.#unserved - 1));
    else this.#parts.onReady(this);
  }

  #observe(op: Op): void {
    const { generator } = this.#parts;
    if (op.output !== undefined) generator.observe(op.key, op.output);
    else if (op.outcome === 'ok')
      generator.observe(op.key, typeof op.input === 'object' ? op.input![1] : op.input);
  }

  #rest(ms: number): void {
    const { timers, random, onReady } = this.#parts;
    this.#cancelRest = timers.after(ms * (0.75 + random.float() / 2), () => onReady(this));
  }
}
