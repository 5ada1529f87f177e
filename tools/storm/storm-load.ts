import { keepOps, Recorder } from '../../harness/history/recorder.ts';
import type { Op } from '../../harness/history/op.ts';
import { Load } from '../../harness/workload/load.ts';
import type { WorkloadPlan } from '../../harness/ports/workload.ts';
import { realTimers } from '../../harness/workload/timers.ts';
import { connectClients } from '../../harness/systems/raft/clients.ts';

/** Maximum time without an acknowledged write, during the storm or after it. */
const STALLED_AFTER_MS = 30_000;

/** Runs the harness's own clients in this thread, and keeps all their operations. */
export class StormLoad {
  readonly recorder: Recorder;
  /** Number of acknowledged writes of all kinds. */
  acknowledged = 0;
  readonly #kept = keepOps();
  readonly #load: Load;
  readonly #timeoutMs: number;
  #onAck: () => void = () => {};

  constructor(plan: WorkloadPlan, addresses: ReadonlyMap<string, string>) {
    const originNs = process.hrtime.bigint();
    this.#timeoutMs = plan.timeoutMs;
    this.recorder = new Recorder({
      nowNs: () => Number(process.hrtime.bigint() - originNs),
      append: () => {},
      ...this.#kept,
    });
    this.#load = new Load({
      plan,
      nodes: [...addresses.keys()],
      clients: connectClients({
        addresses: Object.fromEntries(addresses),
        clients: plan.clients,
        data: null,
        onUnable: (reason) => {
          throw new Error(reason);
        },
      }),
      timers: realTimers,
      recorder: this.recorder,
      onOp: (op) => {
        if (op.f === 'read' || op.outcome !== 'ok') return;
        this.acknowledged++;
        this.#onAck();
      },
    });
    this.#load.start();
  }

  /**
   * Resolves when `writes` writes are acknowledged. Rejects after half a minute without one, or with the signal's
   * reason.
   */
  async reached(writes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stalled = setTimeout(
      () =>
        reject(new Error(`liveness: no write was acknowledged for ${STALLED_AFTER_MS} ms under the storm`)),
      STALLED_AFTER_MS,
    );
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#onAck = () => {
      stalled.refresh();
      if (this.acknowledged >= writes) resolve();
    };
    await promise.finally(() => {
      clearTimeout(stalled);
      signal.removeEventListener('abort', onAbort);
      this.#onAck = () => {};
    });
  }

  /** Starts no new operations, and waits for those in flight. Idempotent. */
  stop(drainMs: number = this.#timeoutMs): Promise<void> {
    return this.#load.stop(drainMs);
  }

  get ops(): readonly Op[] {
    return this.#kept.ops();
  }
}
