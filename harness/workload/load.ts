import type { Op } from '../history/op.ts';
import type { Recorder } from '../history/recorder.ts';
import type { SystemClients } from '../ports/client.ts';
import { randomStream } from '../random.ts';
import { Client } from './client.ts';
import { Generator } from './generator.ts';
import type { WorkloadPlan } from '../ports/workload.ts';
import { routerFor } from './router.ts';
import { schedule, type Schedule } from './schedule.ts';
import type { Timers } from './timers.ts';

export interface LoadParts {
  readonly plan: WorkloadPlan;
  readonly nodes: readonly string[];
  /** The clients of the system. */
  readonly clients: SystemClients;
  readonly timers: Timers;
  readonly recorder: Recorder;
  readonly onOp: (op: Op) => void;
}

/** All clients and their schedule, without any knowledge of sockets or threads. */
export class Load {
  readonly #parts: LoadParts;
  readonly #clients: readonly Client[];
  readonly #schedule: Schedule;
  /** Clients that wait for a slot, the longest-waiting first. */
  readonly #ready: Client[] = [];
  #cancelTick: (() => void) | null = null;
  #running = false;
  #onIdle: () => void = () => {};

  constructor(parts: LoadParts) {
    const { plan, timers, recorder, nodes } = parts;
    this.#parts = parts;
    this.#schedule = schedule(plan.ratePerSecond, timers.now());
    const generator = new Generator(plan);
    this.#clients = Array.from(
      { length: plan.clients },
      (_, index) =>
        new Client({
          index,
          clients: plan.clients,
          timeoutMs: plan.timeoutMs,
          router: routerFor({ index, nodes, routing: plan.routing }),
          client: parts.clients.client(),
          appliesOnce: parts.clients.appliesOnce,
          timers,
          random: randomStream(plan.seed, 'workload', `client-${index}`),
          generator,
          recorder,
          onOp: (op, worked) => {
            if (!worked) this.#schedule.giveBack();
            parts.onOp(op);
            if (!this.#running) this.#onIdle();
          },
          onReady: (client) => {
            this.#ready.push(client);
            this.#pump();
          },
        }),
    );
  }

  start(): void {
    this.#running = true;
    this.#parts.clients.start();
    this.#ready.push(...this.#clients);
    this.#pump();
  }

  /**
   * Starts no more operations. Resolves when the open ones have ended; those that are still open after `drainMs` end as
   * timed out.
   */
  async stop(drainMs: number): Promise<void> {
    this.#running = false;
    this.#cancelTick?.();
    this.#parts.clients.stop();
    await new Promise<void>((resolve) => {
      const cancel = this.#parts.timers.after(drainMs, resolve);
      this.#onIdle = () => {
        if (this.#clients.some((client) => client.busy)) return;
        cancel();
        resolve();
      };
      this.#onIdle();
    });
    for (const client of this.#clients) client.stop();
    this.#parts.clients.close();
  }

  /** Gives due slots to ready clients, and schedules its next call for the time of the next slot. */
  #pump(): void {
    if (!this.#running) return this.#onIdle();
    const now = this.#parts.timers.now();
    while (this.#ready.length > 0 && this.#schedule.take(now)) {
      if (!this.#ready.shift()!.begin()) this.#schedule.giveBack();
    }
    if (this.#ready.length === 0 || this.#cancelTick !== null) return;
    this.#cancelTick = this.#parts.timers.after(this.#schedule.waitMs(now), () => {
      this.#cancelTick = null;
      this.#pump();
    });
  }
}
