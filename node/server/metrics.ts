import type { CoreEvent, CoreStatus, FollowerStatus } from '../raft/ready.ts';
import { isRoleEvent, ROLE_OF } from './describe-event.ts';
import { CONTENT_TYPE, Exposition } from './exposition.ts';
import type { Histogram, Reading } from './exposition.ts';
import { addProcessMetrics } from './process-metrics.ts';

/** Source of the metrics, read on request. */
export interface Vitals {
  readonly status: () => CoreStatus;
  /** Empty on a node that does not lead. */
  readonly followers: () => readonly FollowerStatus[];
  /** Time of the clock that `lastContactMs` uses, in ms. */
  readonly nowMs: () => number;
  readonly appliedIndex: () => number;
  /** Requests of clients that wait for an answer. */
  readonly waiting: () => number;
  readonly clientConnections: () => number;
  /** Number of client sessions in the applied state. */
  readonly sessions: () => number;
  /** Number of requests so far. */
  readonly counts: () => Readonly<Record<'proposals' | 'reads', number>>;
}

const ROLES = ['follower', 'pre-candidate', 'candidate', 'leader'] as const;
const MODES = ['probe', 'replicate', 'snapshot'] as const;
/** Bounds in s. A write into the disk's cache takes about 50 µs; a write that waits for a slow disk takes seconds. */
const WRITE_BUCKETS = [
  5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5,
];

/**
 * The metrics that Prometheus scrapes. They are read on request, except for writes to the disk, role changes, snapshots
 * and errors, which are counted as they happen.
 */
export class Metrics {
  readonly contentType = CONTENT_TYPE;
  readonly #exposition: Exposition;
  readonly #writes: Histogram;
  readonly #roleChanges = new Tally('role');
  readonly #errors = new Tally('code');
  readonly #snapshots = new Tally('what');

  constructor(node: string, vitals: Vitals) {
    this.#exposition = new Exposition({ node });
    this.#writes = this.#exposition.histogram(
      'chaos_node_disk_write_seconds',
      'Duration of a synced write of a batch of the log.',
      WRITE_BUCKETS,
    );
    this.#core(vitals);
    this.#peers(vitals);
    this.#service(vitals);
    addProcessMetrics(this.#exposition);
  }

  text(): string {
    return this.#exposition.text();
  }

  wrote(ms: number): void {
    this.#writes.observe(ms / 1_000);
  }

  answeredError(code: string): void {
    this.#errors.add(code);
  }

  snapshotTaken(): void {
    this.#snapshots.add('taken');
  }

  events(events: readonly CoreEvent[]): void {
    for (const { type } of events) {
      if (type === 'InstallSnapshot') this.#snapshots.add('installed');
      if (isRoleEvent(type)) this.#roleChanges.add(ROLE_OF[type]);
    }
  }

  #core({ status, appliedIndex }: Vitals): void {
    this.#gauge('term', 'The current term.', () => status().term);
    this.#gauge('role', '1 for the role of the node, else 0.', () =>
      ROLES.map((role) => [{ role }, Number(status().role === role)] as const),
    );
    this.#gauge('has_leader', '1 if the node knows a leader.', () => Number(status().leader !== null));
    this.#gauge('commit_index', 'Highest log entry known to be committed.', () => status().commitIndex);
    this.#gauge('applied_index', 'Highest log entry that the state machine has applied.', appliedIndex);
    this.#gauge('last_index', 'Last log entry.', () => status().lastIndex);
    this.#gauge('durable_index', 'Last log entry that is on the disk.', () => status().durableIndex);
    this.#gauge(
      'snapshot_index',
      'Index after which the log begins; 0: no snapshot.',
      () => status().baseIndex,
    );
    this.#gauge('log_entries', 'Entries in the log.', () => status().lastIndex - status().baseIndex);
    this.#gauge('disk_hangs', '1 if a write has not ended for an election timeout.', () =>
      Number(status().diskHangs),
    );
    this.#gauge('members', 'Servers in the configuration in force.', () => {
      const { voters, learners } = status().configuration;
      return [
        [{ kind: 'voter' }, voters.length],
        [{ kind: 'learner' }, learners.length],
      ];
    });
    this.#counter('role_changes_total', 'Number of times that the node took a role.', () =>
      this.#roleChanges.read(),
    );
    this.#counter('snapshots_total', 'Snapshots taken here, or installed from a leader.', () =>
      this.#snapshots.read(),
    );
  }

  /** A leader's metrics of its followers. There are none while the node does not lead. */
  #peers({ status, followers, nowMs }: Vitals): void {
    const each = (name: string, help: string, valueOf: (peer: FollowerStatus) => number): void =>
      this.#gauge(`peer_${name}`, help, () =>
        followers().map((peer) => [{ peer: peer.id }, valueOf(peer)] as const),
      );
    each('match_index', 'Last log entry that the peer has on its disk.', ({ matchIndex }) => matchIndex);
    each(
      'lag_entries',
      'Log entries that the peer lacks.',
      ({ matchIndex }) => status().lastIndex - matchIndex,
    );
    each(
      'inflight_messages',
      'Messages that were sent to the peer and are not acknowledged.',
      ({ inflight }) => inflight,
    );
    each('inflight_bytes', 'Size of the entries in these messages.', ({ inflightBytes }) => inflightBytes);
    each(
      'last_contact_seconds',
      'Time since the last answer of the peer.',
      ({ lastContactMs }) => (nowMs() - lastContactMs) / 1_000,
    );
    this.#gauge('peer_mode', '1 for the mode in which the leader sends to the peer, else 0.', () =>
      followers().flatMap(({ id, mode: now }) =>
        MODES.map((mode) => [{ peer: id, mode }, Number(mode === now)] as const),
      ),
    );
  }

  #service({ waiting, clientConnections, sessions, counts }: Vitals): void {
    this.#gauge('waiting_requests', 'Requests of clients that wait for an answer.', waiting);
    this.#gauge('client_connections', 'Connections of clients.', clientConnections);
    this.#gauge('sessions', 'Sessions of clients in the applied state.', sessions);
    this.#counter('proposals_total', 'Commands that clients requested.', () => counts().proposals);
    this.#counter('reads_total', 'Reads that clients requested.', () => counts().reads);
    this.#counter('errors_total', 'Answers to clients that were errors.', () => this.#errors.read());
  }

  #gauge(name: string, help: string, read: () => Reading): void {
    this.#exposition.gauge(`chaos_node_${name}`, help, read);
  }

  #counter(name: string, help: string, read: () => Reading): void {
    this.#exposition.counter(`chaos_node_${name}`, help, read);
  }
}

/** Counts by one label. */
class Tally {
  readonly #label: string;
  readonly #counts = new Map<string, number>();

  constructor(label: string) {
    this.#label = label;
  }

  add(value: string): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
  }

  read(): Reading {
    return Array.from(this.#counts, ([value, count]) => [{ [this.#label]: value }, count] as const);
  }
}
