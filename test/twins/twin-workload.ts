import type { Clock } from '../../harness/clock.ts';
import type { Op, OpFunction } from '../../harness/history/op.ts';
import { randomStream, type Random } from '../../harness/random.ts';
import { Judge } from '../../harness/workload/judge.ts';
import type { Workload, WorkloadEvent, WorkloadPlan } from '../../harness/ports/workload.ts';
import type { TwinCluster } from './twin-cluster.ts';
import type { TwinLinks } from './twin-links.ts';

const WINDOW_MS = 250;
const RETRY_MS = 20;

interface TwinLoadOptions {
  readonly plan: WorkloadPlan;
  readonly clock: Clock;
  readonly cluster: TwinCluster;
  readonly links: TwinLinks;
  /** A fault of the system under test: every node answers reads from what it has, whether it leads or not. */
  readonly staleReads?: boolean;
}

/** Clients in memory against a `TwinCluster`: reads and writes of unique values, each client in its own loop. */
export class TwinWorkload implements Workload {
  readonly #options: TwinLoadOptions;
  readonly #listeners = new Set<(event: WorkloadEvent) => void>();
  readonly #ops: Op[] = [];
  readonly #judge = new Judge((event) => this.#tell(event));
  readonly #end = new AbortController();
  readonly #loops: Promise<void>[] = [];
  #invoked = 0;
  #processes: number;
  #reported = 0;

  constructor(options: TwinLoadOptions) {
    this.#options = options;
    this.#processes = options.plan.clients;
  }

  subscribe(listener: (event: WorkloadEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async start(): Promise<void> {
    const { plan } = this.#options;
    for (let i = 0; i < plan.clients; i++) this.#loops.push(this.#client(i));
    void this.#windows();
  }

  async stop(): Promise<readonly Op[]> {
    this.#end.abort(new Error('stopped'));
    await Promise.all(this.#loops);
    return this.#ops.toSorted((a, b) => a.id - b.id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Tells of what the judge did not find: the judge is wrong. */
  accuse(key: string): void {
    const violation = {
      property: 'linearizability',
      anomaly: 'stale read',
      prose: 'accused',
      key,
      opIds: [0],
    };
    this.#tell({ type: 'violation', t: this.#options.clock.now(), violation });
  }

  /** The load itself breaks. */
  break(message: string): void {
    this.#tell({ type: 'broken', t: this.#options.clock.now(), message });
  }

  async #client(index: number): Promise<void> {
    const { plan, clock, cluster } = this.#options;
    const random = randomStream(plan.seed, 'workload', index);
    const pauseMs = (plan.clients / (plan.ratePerSecond ?? 1_000)) * 1_000;
    const pinned = plan.routing === 'pinned' || (plan.routing === 'mixed' && index % 2 === 1);
    const home = cluster.nodes[index % cluster.nodes.length]!;
    let process = index;
    let target = home;
    while (!this.#end.signal.aborted) {
      const op = await this.#operate(process, pinned ? home : target, random, pinned);
      target = op.node;
      this.#ops.push(op);
      this.#judge.onComplete(op);
      if (op.outcome === 'info') process = this.#processes++;
      await clock.sleep(pauseMs, this.#end.signal).catch(() => undefined);
    }
  }

  async #operate(process: number, first: string, random: Random, pinned: boolean): Promise<Op> {
    const { plan, clock, cluster, links, staleReads } = this.#options;
    const f: OpFunction = random.float() < plan.mix.read ? 'read' : 'write';
    const id = this.#invoked++;
    const key = `k${random.int(0, plan.keys - 1)}`;
    const base = { id, process, key, f, input: f === 'read' ? null : `v${id}`, call: clock.now() } as const;
    const { call, ...invocation } = base;
    this.#judge.onInvoke({ id, call, callNs: call * 1e6, invocation: { ...invocation, node: first } });
    const deadline = call + plan.timeoutMs;
    let node = first;
    for (let attempts = 1; ; attempts++) {
      const wayMs = links.carry({ from: 'clients', to: node }, 100);
      // A stopping run gives up what is in flight.
      const late = clock.now() >= deadline || this.#end.signal.aborted;
      const served = late || wayMs === null ? null : cluster.serve(node);
      const answer =
        served?.leads === true ||
        (staleReads === true && f === 'read' && !late && wayMs !== null && cluster.view(node).life === 'up');
      if (answer) {
        if (f === 'write') cluster.append(node, key, base.input!);
        const output = f === 'read' ? { output: cluster.valueAt(node, key) } : {};
        await clock.sleep(1 + 2 * wayMs!);
        return { ...base, ...output, outcome: 'ok', return: clock.now(), node, attempts };
      }
      if (pinned && served !== null) {
        await clock.sleep(1 + 2 * wayMs!);
        return { ...base, outcome: 'fail', error: 'not-leader', return: clock.now(), node, attempts };
      }
      if (late)
        return {
          ...base,
          outcome: 'info',
          error: 'timeout',
          return: Infinity,
          gaveUp: clock.now(),
          node,
          attempts,
        };
      const hinted =
        served?.leader ?? cluster.nodes[(cluster.nodes.indexOf(node) + 1) % cluster.nodes.length]!;
      if (!pinned) node = hinted;
      await clock.sleep(RETRY_MS, this.#end.signal).catch(() => undefined);
    }
  }

  async #windows(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#end.signal.aborted) {
      await clock.sleep(WINDOW_MS, this.#end.signal).catch(() => undefined);
      const ended = this.#ops.slice(this.#reported);
      this.#reported = this.#ops.length;
      const count = (ops: readonly Op[], outcome: Op['outcome']): number =>
        ops.filter((op) => op.outcome === outcome).length;
      const counts = (ops: readonly Op[]) => ({
        ok: count(ops, 'ok'),
        fail: count(ops, 'fail'),
        info: count(ops, 'info'),
      });
      const took = ended
        .filter(({ outcome }) => outcome === 'ok')
        .map((op) => op.return - op.call)
        .sort((a, b) => a - b);
      const okByFunction = { read: 0, write: 0, cas: 0, delete: 0, append: 0 };
      for (const { f, outcome } of this.#ops) if (outcome === 'ok') okByFunction[f]++;
      this.#tell({
        type: 'window', t: clock.now(), windowMs: WINDOW_MS, ...counts(ended),
        p50: took[Math.floor(took.length / 2)] ?? null, p99: took.at(-1) ?? null, max: took.at(-1) ?? null,
        total: { invoked: this.#invoked, ...counts(this.#ops) }, okByFunction,
      }); // prettier-ignore
      this.#judge.report(clock.now());
    }
  }

  #tell(event: WorkloadEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
