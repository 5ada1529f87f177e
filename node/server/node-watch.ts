import type { Log } from '../replica/log.ts';
import type { StoredSnapshot } from '../replica/ports.ts';
import type { Observer } from '../replica/trace.ts';
import type { CoreEvent } from '../raft/ready.ts';
import type { AdminServer } from './admin-server.ts';
import { describeEvent } from './describe-event.ts';
import { Metrics } from './metrics.ts';
import type { Vitals } from './metrics.ts';
import type { Address } from './option-values.ts';

/** The operator's view of a node: its log, and, if there is an admin port, metrics and health. */
export class NodeWatch {
  readonly #log: Log;
  readonly #metrics: Metrics | null;
  readonly #vitals: Vitals;

  /** `vitals` is called only for a request to the admin server. */
  constructor(node: string, options: { log: Log; vitals: Vitals; withMetrics: boolean }) {
    const { log, vitals, withMetrics } = options;
    this.#log = log;
    this.#vitals = vitals;
    this.#metrics = withMetrics ? new Metrics(node, vitals) : null;
  }

  readonly onEvents = (events: readonly CoreEvent[]): void => {
    for (const event of events) {
      const line = describeEvent(event);
      if (line !== null) this.#log(line);
    }
    this.#metrics?.events(events);
  };

  readonly onWritten = (ms: number): void => this.#metrics?.wrote(ms);
  readonly onError = (code: string): void => this.#metrics?.answeredError(code);

  /** Returns an observer that passes everything to `trace`, and also logs and counts snapshots. */
  besides(trace: Observer): Observer {
    return {
      events: (events) => trace.events(events),
      applied: (index) => trace.applied(index),
      status: (core, applied, nowMs) => trace.status(core, applied, nowMs),
      digestAt: (index) => trace.digestAt(index),
      installing: (snapshot) => trace.installing(snapshot),
      compacted: (keptFrom) => trace.compacted(keptFrom),
      taken: (snapshot) => {
        this.#taken(snapshot);
        trace.taken(snapshot);
      },
    };
  }

  /** Rejects with the system's error if the address cannot be listened on. */
  async serve(listen: Address): Promise<AdminServer> {
    // Loaded only if it is needed, because Node.js's HTTP modules are a fifth of all code that a start would load.
    const { AdminServer: Admin, health } = await import('./admin-server.ts');
    return await Admin.listen({
      listen,
      metrics: this.#metrics!,
      health: () => health(this.#vitals.status()),
    });
  }

  #taken({ index, term, bytes }: StoredSnapshot): void {
    this.#metrics?.snapshotTaken();
    this.#log({
      level: 'info',
      event: 'snapshot-taken',
      message: `a snapshot of ${bytes} bytes replaces the log up to entry ${index}`,
      fields: { index, term, bytes },
    });
  }
}
