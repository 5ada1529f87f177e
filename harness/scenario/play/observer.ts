import { perFunction } from '../../history/op.ts';
import type { Clock } from '../../clock.ts';
import type { Cluster, ClusterEvent, NodeExit } from '../../ports/cluster.ts';
import type { HarnessEvent } from '../../event.ts';
import type { System, TraceMonitor } from '../../ports/system.ts';
import { ClusterState } from '../../view/cluster-state.ts';
import type { LoadView } from '../../nemesis/fault-evidence.ts';
import type { Violation } from '../../result.ts';
import type { OpsWindow, Workload, WorkloadEvent } from '../../ports/workload.ts';
import type { OkCounts } from './evaluate-condition.ts';
import { LiveVerdict } from '../judge/live-verdict.ts';
import { Pulse } from './watch.ts';

export interface ObserverOptions {
  readonly system: Pick<System, 'monitor'>;
  readonly cluster: Cluster;
  readonly workload: Workload;
  readonly clock: Clock;
  readonly emit: (event: HarnessEvent) => void;
  /** A node process ended although the harness had not asked it to. */
  readonly onNodeExit: (node: string, exit: NodeExit) => void;
  readonly onLoadBroken: (message: string) => void;
  /** Called with each violation as it is found. A violation, once found, is final. */
  readonly onViolation: (violation: Violation) => void;
}

/**
 * Listens to the nodes and the load: keeps their state, checks the safety properties during the run, and emits events.
 */
export class Observer {
  readonly state: ClusterState;
  /** Judges the safety properties; null: the system reports no trace. */
  readonly monitor: TraceMonitor | null;
  /** Beats whenever something has changed that a condition may depend on. */
  readonly pulse = new Pulse();
  readonly load: LoadView = { p50: null, okOps: 0 };
  /** Violations of safety properties. */
  readonly violations: Violation[] = [];
  /** Results of the live check of linearizability. */
  readonly live = new LiveVerdict();
  /** Where and why reports of a node were lost first; null: all that were written were read. */
  reportsLost: string | null = null;
  ok: OkCounts = perFunction(0);
  latency: { readonly p50: number | null; readonly p99: number | null } = { p50: null, p99: null };
  readonly #options: ObserverOptions;
  readonly #unsubscribe: readonly (() => void)[];
  /** The nodes of which it was told that their trace has a hole. */
  readonly #withHoles = new Set<string>();

  constructor(options: ObserverOptions) {
    this.#options = options;
    const { system, cluster, workload } = options;
    this.state = new ClusterState(cluster.nodes);
    this.monitor = system.monitor?.(cluster.nodes) ?? null;
    this.#unsubscribe = [
      cluster.subscribe((event) => this.#onCluster(event)),
      workload.subscribe((event) => this.#onLoad(event)),
    ];
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  /** Takes every event of the run into the view, also those of the nemesis. */
  see(event: HarnessEvent): void {
    if (this.state.feed(event)) this.pulse.beat(event.t);
  }

  #onCluster(event: ClusterEvent): void {
    const { t, node } = event;
    if (event.type === 'life') {
      const { life, pid, exit } = event;
      if (life === 'starting') this.monitor?.started(node);
      this.#options.emit({ t, type: 'life', node, life, pid, ...(exit !== undefined && { exit }) });
      if (exit !== undefined && !exit.expected) this.#options.onNodeExit(node, exit);
    } else if (event.type === 'trace') this.#onTrace(event);
    else if (event.type === 'reports-lost') this.#onLost(event);
    else this.#onReport(event);
  }

  #onReport(event: ClusterEvent & { readonly type: 'status' | 'log' | 'ready' }): void {
    const { t, type, node } = event;
    // Further fields of the system (a line number, a time) go into the event log unchanged.
    if (type === 'status') this.#options.emit({ ...event.status, t, type, node });
    else if (type === 'log') this.#options.emit({ ...event.log, t, type, node });
  }

  #onTrace({ t, node, trace }: ClusterEvent & { readonly type: 'trace' }): void {
    this.#options.emit({ t, type: 'trace', node, trace });
    for (const violation of this.monitor?.feed(t, node, trace) ?? []) {
      this.violations.push(violation);
      this.#options.emit({ t, type: 'violation', property: violation.property, text: violation.prose });
      this.#options.onViolation(violation);
    }
  }

  #onLost({ t, node, reason, traceHole }: ClusterEvent & { readonly type: 'reports-lost' }): void {
    this.reportsLost ??= `${node}: ${reason}`;
    if (this.monitor === null || !traceHole) return;
    this.monitor.hole(t, node, reason);
    if (this.#withHoles.has(node)) return;
    this.#withHoles.add(node);
    const text = `steps of ${node} may be missing from here on, so the safety properties are unknown unless one is broken`;
    this.#options.emit({ t, type: 'note', level: 'warn', text });
  }

  #onLoad(event: WorkloadEvent): void {
    switch (event.type) {
      case 'window':
        this.#onWindow(event);
        break;
      case 'op': {
        const { f, key, node, outcome, error } = event.op;
        if (outcome === 'ok') break;
        const text = `${f} ${key}: ${outcome === 'info' ? 'unknown' : 'failed'}${error === undefined ? '' : ` (${error})`}`;
        this.#options.emit({ t: event.t, type: 'op', node, text, outcome });
        break;
      }
      case 'checked': {
        const { t, keys, undecided } = event;
        this.live.undecided = undecided;
        this.#options.emit({ t, type: 'checked', to: t, keys, undecided });
        break;
      }
      case 'violation': {
        const { t, violation } = event;
        const { property, prose, key, opIds } = violation;
        const more = { ...(key !== undefined && { key }), ...(opIds !== undefined && { opIds }) };
        this.live.violations.push(violation);
        this.#options.emit({ t, type: 'violation', property, text: prose, ...more, live: true });
        this.#options.onViolation(violation);
        break;
      }
      case 'unchecked': {
        this.live.broken = event.reason;
        const text = `linearizability is not checked any more until the end of the run: ${event.reason}`;
        this.#options.emit({ t: event.t, type: 'note', level: 'warn', text });
        break;
      }
      case 'broken':
        this.#options.onLoadBroken(event.message);
        break;
      default:
        event satisfies never;
    }
  }

  #onWindow({ type: _type, ...window }: OpsWindow & { readonly type: 'window' }): void {
    this.ok = window.okByFunction;
    this.load.okOps = window.total.ok;
    if (window.ok > 0) {
      this.load.p50 = window.p50;
      this.latency = { p50: window.p50, p99: window.p99 };
    }
    this.#options.emit({ type: 'ops', ...window });
    this.pulse.beat(window.t);
  }
}
