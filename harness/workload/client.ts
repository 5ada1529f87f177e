import type { ClientOperation } from '../../node/protocol/client.ts';
import type { Op } from '../history/op.ts';
import type { Recorder } from '../history/recorder.ts';
import type { Random } from '../random.ts';
import type { Generator, Task } from './generator.ts';
import { Operation } from './operation.ts';
import type { OpEnd } from './outcome.ts';
import type { Router } from './router.ts';
import type { SessionDesk } from '../systems/raft/sessions.ts';
import type { Timers } from './timers.ts';
import type { Wire } from '../systems/raft/wire.ts';

/** After an operation that no node would serve, a client rests so long, doubled up to three times while it goes on. */
const FIRST_REST_MS = 100;
const MAX_REST_DOUBLINGS = 2;
/** How long a client without a session waits where the mix has no reads. */
const SESSION_POLL_MS = 20;

export interface ClientParts {
  readonly index: number;
  /** All clients: a new process number is the old one plus this, as Jepsen counts. */
  readonly clients: number;
  readonly timeoutMs: number;
  readonly router: Router;
  readonly wires: ReadonlyMap<string, Wire>;
  readonly timers: Timers;
  readonly random: Random;
  readonly generator: Generator;
  readonly sessions: SessionDesk;
  readonly recorder: Recorder;
  /** An operation has completed. `worked`: false if no node would serve it, so that the load's budget was not used. */
  readonly onOp: (op: Op, worked: boolean) => void;
  /** The client can take its next operation. */
  readonly onReady: (client: Client) => void;
}

/**
 * A logical client: one operation at a time, its own connection to each node, its session, its process number. After an
 * unknown outcome both the session and the process number retire: the old write may still be applied, and a new
 * number in the old session would make the node forget what it answered.
 */
export class Client {
  readonly #parts: ClientParts;
  #process: number;
  #session: number | null = null;
  #seq = 0;
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

  /** Begins an operation. The client must be ready. False: it has nothing it may do now, and rests. */
  begin(): boolean {
    const { index, generator, recorder, router, timers, timeoutMs, wires, random } = this.#parts;
    this.#openSession();
    const task = generator.next(index, this.#session !== null);
    if (task === null) {
      this.#rest(SESSION_POLL_MS);
      return false;
    }
    const node = router.pick(() => false, timers.now())!;
    const request = this.#request(task);
    const open = recorder.invoke({ process: this.#process, ...task, node });
    this.#operation = new Operation(
      {
        f: task.f,
        request,
        timeoutMs,
        router,
        timers,
        wire: (each) => wires.get(each)!,
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

  /** What is under way gets its outcome now, as if its time were up; nothing new begins. */
  stop(): void {
    this.#stopped = true;
    this.#cancelRest();
    this.#operation?.timeOut();
  }

  /** A client without a session reads until there is one. */
  #openSession(): void {
    if (this.#session !== null) return;
    this.#session = this.#parts.sessions.take();
    this.#seq = 0;
  }

  #request(task: Task): ClientOperation {
    const { f, key } = task;
    if (f === 'read') return { type: 'read', key };
    const write = { session: this.#session!, seq: ++this.#seq, key };
    if (f === 'cas') {
      const [from, to] = task.input as readonly [string | null, string];
      return { type: 'cas', ...write, from, to };
    }
    const value = task.input as string;
    return f === 'delete' ? { type: 'delete', ...write, tombstone: value } : { type: f, ...write, value };
  }

  #ended(op: Op, end: OpEnd): void {
    this.#operation = null;
    if (op.outcome === 'info') {
      this.#process += this.#parts.clients;
      this.#session = null;
    }
    if (end.error === 'session-expired') this.#session = null;
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
