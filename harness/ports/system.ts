import type { Violation } from '../result.ts';
import type { LogLine, NodeStatus, TraceEvent } from '../trace.ts';
import type { Capability } from './capability.ts';
import type { ClientModule } from './client.ts';
import type { HostCommand, LineReader } from './host.ts';

/**
 * Port: a system under test. Two members are needed: how to start a node, and how clients talk to it. Every other
 * member is optional; what a system does not report is not judged, and the report says so.
 */
export interface System {
  readonly name: string;
  /** The program that is `node`, with its arguments. Called at every start of the node. */
  command(node: NodeSetup): HostCommand;
  readonly client: ClientModule;

  /**
   * The reports of a node process about itself, on file descriptor `fd` (1 and 2: stdout and stderr). Absent: role,
   * term and steps of the nodes are unknown.
   */
  readonly reports?: { readonly fd: number; reader(node: NodeSetup): LineReader<NodeLine> };
  /**
   * Resolves when the started node serves clients; tries until then, or until `signal`. Absent: the node's reports
   * have a `ready` line; a system without reports is ready as soon as its process runs.
   */
  readonly ready?: (node: NodeSetup, signal: AbortSignal) => Promise<void>;
  /** Judges the trace that the nodes report. Absent: the safety properties are not judged. */
  readonly monitor?: (nodes: readonly string[]) => TraceMonitor;
  /** Shows and changes the members of a running cluster. Absent: `chaos members` cannot be used. */
  readonly membership?: Membership;
  /** What its nodes can do. Absent: everything. */
  readonly capabilities?: ReadonlySet<Capability>;
}

/** A node that is about to be started. */
export interface NodeSetup {
  readonly id: string;
  /** `host:port` on which it listens for other nodes. */
  readonly peerListen: string;
  /** `host:port` on which it listens for clients. */
  readonly clientListen: string;
  /** The other nodes, and the `host:port` at which this node dials each: its own link to that node. */
  readonly peers: readonly { readonly id: string; readonly address: string }[];
  /** Folder for its data. It is kept over restarts, and gone after a wipe. */
  readonly dataDir: string;
  /** True until it was ready for the first time: it founds the cluster. A wiped node is not a founder any more. */
  readonly first: boolean;
  readonly electionTimeoutMs: readonly [min: number, max: number];
  readonly heartbeatMs: number;
  readonly seed: number;
}

/**
 * One line of a node's reports. `atMs`: when it was written, on the machine's monotonic clock; absent: when it was
 * read. A system may add further fields to `status`, `trace` and `log`: the event log keeps them.
 */
export type NodeLine =
  /** The node serves clients. */
  | { readonly type: 'ready'; readonly atMs?: number }
  | { readonly type: 'status'; readonly atMs?: number; readonly status: NodeStatus }
  | { readonly type: 'trace'; readonly atMs?: number; readonly trace: TraceEvent }
  | { readonly type: 'log'; readonly atMs?: number; readonly log: LogLine }
  /**
   * A line that cannot be read, is wrong or is missing: a sentence for the event log. The reports go on after it.
   * `traceHole`: steps of the trace may be lost with it.
   */
  | { readonly type: 'problem'; readonly message: string; readonly traceHole: boolean };

/**
 * Judges safety properties over the trace. Lines of one node come in the order of its steps. The last lines before the
 * end of a process may be missing; other lines may only if `hole` says so.
 */
export interface TraceMonitor {
  /** `t`: ms since the run began. Returns the violations that this line proves. */
  feed(t: number, node: string, trace: TraceEvent): readonly Violation[];
  /** A process of the node starts: the first step of its trace has to be `Recover`. */
  started(node: string): void;
  /**
   * Steps of the node may be missing here, for this reason. From now on the properties are unknown, unless lines that
   * are there prove a violation.
   */
  hole(t: number, node: string, reason: string): void;
  /** The node's data folder was removed on purpose: it starts as a new one. */
  wiped(node: string): void;
  results(): readonly PropertyResult[];
}

export interface PropertyResult {
  readonly property: string;
  readonly status: 'pass' | 'fail' | 'unknown';
  readonly detail: string;
}

/** A change of the cluster's members, or of its leader. */
export type MembersRequest =
  | { readonly type: 'change'; readonly changes: readonly MembersChange[] }
  /** `target` null: to the node that the leader chooses. */
  | { readonly type: 'transfer'; readonly target: string | null };

export type MembersChange =
  | { readonly type: 'add-learner'; readonly id: string; readonly address: string }
  | { readonly type: 'promote' | 'demote' | 'remove'; readonly id: string };

export type MembersAnswer =
  | { readonly type: 'done' }
  /** `again`: another node, or the same one later, may do it. Otherwise it is refused, or left in doubt. */
  | { readonly type: 'refused'; readonly again: boolean; readonly detail: string };

/** Speaks to nodes of a running cluster, by `host:port`. */
export interface Membership {
  isAddress(text: string): boolean;
  ask(address: string, request: MembersRequest, withinMs: number): Promise<MembersAnswer>;
  /** One line: what the node knows of itself and its cluster. Rejects with the reason if it does not answer. */
  describe(address: string, withinMs: number): Promise<string>;
}
