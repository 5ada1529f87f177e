import type { Clock } from '../clock.ts';
import type { Op } from '../history/op.ts';
import { readBack } from '../history/read-back.ts';
import { Listeners } from '../listeners.ts';
import type { SystemClients } from '../ports/client.ts';
import type { Workload, WorkloadEvent, WorkloadPlan } from '../ports/workload.ts';
import { RecordedLoad } from './recorded-load.ts';
import type { Timers } from './timers.ts';

const NS_PER_MS = 1e6;

export interface InProcessOptions {
  readonly plan: WorkloadPlan;
  readonly nodes: readonly string[];
  readonly clients: SystemClients;
  /** Clock whose time 0 is the beginning of the run. */
  readonly clock: Clock & Timers;
  readonly historyPath: string;
  /** True if linearizability is checked during the load. */
  readonly live: boolean;
}

/** Port `Workload`: the clients run in the caller's thread and on the caller's clock. */
export class InProcessWorkload implements Workload {
  readonly #options: InProcessOptions;
  readonly #listeners = new Listeners<WorkloadEvent>();
  #starting: Promise<RecordedLoad> | null = null;
  #stopping: Promise<readonly Op[]> | null = null;

  constructor(options: InProcessOptions) {
    this.#options = options;
  }

  subscribe(listener: (event: WorkloadEvent) => void): () => void {
    return this.#listeners.subscribe(listener);
  }

  async start(): Promise<void> {
    if (this.#starting !== null) throw new Error('the workload has already been started');
    if (this.#stopping !== null) throw new Error('the workload has already been stopped');
    const { clock } = this.#options;
    this.#starting = clock.still(() =>
      RecordedLoad.create({
        ...this.#options,
        timers: clock,
        now: () => clock.now(),
        nowNs: () => Math.round(clock.now() * NS_PER_MS),
        say: (event) => this.#listeners.emit(event),
      }),
    );
    const load = await this.#starting;
    if (this.#stopping === null) load.start();
  }

  stop(): Promise<readonly Op[]> {
    this.#stopping ??= this.#stop(this.#options.plan.timeoutMs);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Does not wait for open operations, but still closes the history properly.
    this.#stopping ??= this.#stop(0);
    await this.#stopping.catch(() => {});
  }

  async #stop(drainMs: number): Promise<readonly Op[]> {
    if (this.#starting === null) return [];
    const { clock, historyPath } = this.#options;
    const load = await this.#starting;
    await load.stop(drainMs);
    return await clock.still(async () => await readBack(historyPath, await load.close()));
  }
}
