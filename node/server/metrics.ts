import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CoreEvent, CoreStatus, FollowerStatus } from '../raft/ready.ts';
import { isRoleEvent, ROLE_OF } from './describe-event.ts';

/** What the metrics are read from, when somebody asks. */
export interface Vitals {
  readonly status: () => CoreStatus;
  /** Empty for whoever does not lead. */
  readonly followers: () => readonly FollowerStatus[];
  /** Of the clock that `lastContactMs` is of. */
  readonly nowMs: () => number;
  readonly appliedIndex: () => number;
  /** Requests of clients that wait for an answer. */
  readonly waiting: () => number;
  readonly clientConnections: () => number;
  /** Requests so far. */
  readonly counts: () => Readonly<Record<'proposals' | 'reads', number>>;
}

const ROLES = ['follower', 'pre-candidate', 'candidate', 'leader'] as const;
const MODES = ['probe', 'replicate', 'snapshot'] as const;
/** A write that ends in the disk's cache takes some 50 µs; one that waits for a slow disk, seconds. */
const WRITE_BUCKETS = [
  5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5,
];

/**
 * What Prometheus scrapes: everything is read when it asks, but for writes to the disk and role changes, which are
 * counted as they happen. Beside it stands what prom-client knows of a Node.js process: CPU, memory, descriptors, the
 * event loop.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #writes: Histogram;
  readonly #roleChanges: Counter<'role'>;
  readonly #errors: Counter<'code'>;
  readonly #snapshots: Counter<'what'>;

  constructor(node: string, vitals: Vitals) {
    this.#registry.setDefaultLabels({ node });
    collectDefaultMetrics({ register: this.#registry });
    this.#writes = new Histogram({
      ...this.#named(
        'disk_write_seconds',
        'From the call that writes a batch of the log to its end, synced.',
      ),
      buckets: WRITE_BUCKETS,
    });
    this.#roleChanges = new Counter({
      ...this.#named('role_changes_total', 'Times that the node took on a role.'),
      labelNames: ['role'],
    });
    this.#errors = new Counter({
      ...this.#named('errors_total', 'Answers to clients that were errors.'),
      labelNames: ['code'],
    });
    this.#snapshots = new Counter({
      ...this.#named('snapshots_total', 'Snapshots that were taken here, or installed from a leader.'),
      labelNames: ['what'],
    });
    this.#coreGauges(vitals);
    this.#peerGauges(vitals);
    this.#serviceMetrics(vitals);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  wrote(ms: number): void {
    this.#writes.observe(ms / 1_000);
  }

  answeredError(code: string): void {
    this.#errors.inc({ code });
  }

  snapshotTaken(): void {
    this.#snapshots.inc({ what: 'taken' });
  }

  events(events: readonly CoreEvent[]): void {
    for (const { type } of events) {
      if (type === 'InstallSnapshot') this.#snapshots.inc({ what: 'installed' });
      if (isRoleEvent(type)) this.#roleChanges.inc({ role: ROLE_OF[type] });
    }
  }

  #coreGauges({ status, appliedIndex }: Vitals): void {
    this.#gauge('term', 'The current term.', () => status().term);
    this.#gauge('commit_index', 'Highest log entry known to be committed.', () => status().commitIndex);
    this.#gauge('applied_index', 'Highest log entry that the state machine has applied.', appliedIndex);
    this.#gauge('last_index', 'Last log entry.', () => status().lastIndex);
    this.#gauge('durable_index', 'Last log entry that is on the disk.', () => status().durableIndex);
    this.#gauge('snapshot_index', 'What the log begins behind; 0: no snapshot.', () => status().baseIndex);
    this.#gauge('log_entries', 'Entries in the log.', () => status().lastIndex - status().baseIndex);
    this.#gauge('has_leader', 'Whether the node knows who leads.', () => Number(status().leader !== null));
    this.#gauge('disk_hangs', 'Whether a write has not ended for an election timeout.', () =>
      Number(status().diskHangs),
    );
    const members = this.#labelled('members', 'Servers in the configuration in force.', ['kind'], () => {
      const { voters, learners } = status().configuration;
      members.set({ kind: 'voter' }, voters.length);
      members.set({ kind: 'learner' }, learners.length);
    });
    const roles = this.#labelled('role', 'One of these is 1.', ['role'], () => {
      for (const role of ROLES) roles.set({ role }, Number(status().role === role));
    });
  }

  /** A leader's view of the others; none while the node does not lead. */
  #peerGauges({ status, followers, nowMs }: Vitals): void {
    const each = (name: string, help: string, valueOf: (peer: FollowerStatus) => number): void => {
      const gauge = this.#labelled(`peer_${name}`, help, ['peer'], () => {
        gauge.reset();
        for (const peer of followers()) gauge.set({ peer: peer.id }, valueOf(peer));
      });
    };
    each('match_index', 'Last log entry that the peer has on its disk.', ({ matchIndex }) => matchIndex);
    each(
      'lag_entries',
      'Log entries that the peer lacks.',
      ({ matchIndex }) => status().lastIndex - matchIndex,
    );
    each('inflight_messages', 'Sent to the peer and not acknowledged.', ({ inflight }) => inflight);
    each(
      'last_contact_seconds',
      'Since the peer was last heard from.',
      ({ lastContactMs }) => (nowMs() - lastContactMs) / 1_000,
    );
    const modes = this.#labelled(
      'peer_mode',
      'How the peer is sent to: one of these is 1.',
      ['peer', 'mode'],
      () => {
        modes.reset();
        for (const { id, mode: now } of followers())
          for (const mode of MODES) modes.set({ peer: id, mode }, Number(mode === now));
      },
    );
  }

  #serviceMetrics({ waiting, clientConnections, counts }: Vitals): void {
    this.#gauge('waiting_requests', 'Requests of clients that wait for an answer.', waiting);
    this.#gauge('client_connections', 'Connections of clients.', clientConnections);
    for (const what of ['proposals', 'reads'] as const) {
      const counter: Counter = new Counter({
        ...this.#named(`${what}_total`, `What clients asked for: ${what}.`),
        collect: () => {
          counter.reset();
          counter.inc(counts()[what]);
        },
      });
    }
  }

  #gauge(name: string, help: string, value: () => number): void {
    const gauge: Gauge = new Gauge({ ...this.#named(name, help), collect: () => gauge.set(value()) });
  }

  #labelled<T extends string>(name: string, help: string, labelNames: T[], collect: () => void): Gauge<T> {
    return new Gauge({ ...this.#named(name, help), labelNames, collect });
  }

  #named(name: string, help: string): { name: string; help: string; registers: Registry[] } {
    return { name: `chaos_node_${name}`, help, registers: [this.#registry] };
  }
}
