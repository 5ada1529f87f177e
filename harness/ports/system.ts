import type { Violation } from '../result.ts';
import type { LogLine, NodeStatus, TraceEvent } from '../trace.ts';
import type { Capability } from './capability.ts';
import type { ClientModule } from './client.ts';
import type { HostCommand, LineReader } from './host.ts';

/**
 * Port: a system under test. Two members are required: how to start a node, and how clients talk to it. All others are
 * optional. Properties that a system does not report are not judged, and the report says so.
 */
export interface System {
  readonly name: string;
  /** The program of the node, with its arguments. Called at every start of the node. */
  command(node: NodeSetup): HostCommand;
  readonly client: ClientModule;

  /**
   * The reports of a node process about itself, on file descriptor `fd` (1 and 2 are stdout and stderr). If absent,
   * role, term and steps of the nodes are unknown.
   */
  readonly reports?: { readonly fd: number; reader(node: NodeSetup): LineReader<NodeLine> };
  /**
   * Resolves when the started node serves clients; tries until then or until `signal` aborts. If absent, the node's
   * reports have a `ready` line; a node without reports is ready as soon as its process runs.
   */
  readonly ready?: (node: NodeSetup, signal: AbortSignal) => Promise<void>;
  /** Checks the trace that the nodes report. If absent, the safety properties are not judged. */
  readonly monitor?: (nodes: readonly string[]) => TraceMonitor;
  /** Shows and changes the members of a running cluster. If absent, `chaos members` cannot be used. */
  readonly membership?: Membership;
  /** Capabilities of its nodes. If absent, it has all. */
  readonly capabilities?: ReadonlySet<Capability>;
}

/** Data for the start of a node. */
export interface NodeSetup {
  readonly id: string;
  /** `host:port` on which it listens for other nodes. */
  readonly peerListen: string;
  /** `host:port` on which it listens for clients. */
  readonly clientListen: string;
  /** The other nodes, and the `host:port` at which this node dials each: its own link to that node. */
  readonly peers: readonly { readonly id: string; readonly address: string }[];
  /** Folder for its data. Restarts keep it; a wipe removes it. */
  readonly dataDir: string;
  /**
   * True until the node was ready for the first time: it is a founder of the cluster. A wiped node is not a founder any
   * more.
   */
  readonly first: boolean;
  readonly electionTimeoutMs: readonly [min: number, max: number];
  readonly heartbeatMs: number;
  readonly seed: number;
}

/**
 * One line of a node's reports. `atMs` is the time of writing on the machine's monotonic clock; if absent, the time of
 * reading is used. A system may add further fields to `status`, `trace` and `log`: the event log keeps them.
 */
export type NodeLine =
  /** The node serves clients. */
  | { readonly type: 'ready'; readonly atMs?: number }
  | { readonly type: 'status'; readonly atMs?: number; readonly status: NodeStatus }
  | { readonly type: 'trace'; readonly atMs?: number; readonly trace: TraceEvent }
  | { readonly type: 'log'; readonly atMs?: number; readonly log: LogLine }
  /**
   * A line that cannot be read, is wrong or is missing, as a message for the event log. The reports continue after it.
   * `traceHole` is true if steps of the trace may be lost with the line.
   */
  | { readonly type: 'problem'; readonly message: string; readonly traceHole: boolean };

/**
 * Checks safety properties over the trace. Lines of one node arrive in the order of its steps. The last lines before
 * the end of a process may be missing; other lines are missing only if `hole` reports it.
 */
export interface TraceMonitor {
  /** Returns the violations that this line proves. `t` is in ms since the run began. */
  feed(t: number, node: string, trace: TraceEvent): readonly Violation[];
  /** Called when a process of the node starts. The first step of its trace must be `Recover`. */
  started(node: string): void;
  /**
   * Called if steps of the node may be missing at this point. From now on the properties are unknown, unless the
   * existing lines prove a violation.
   */
  hole(t: number, node: string, reason: string): void;
  /** Called when the node's data folder was removed on purpose: the node starts as a new one. */
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
  /** If `target` is null, the leader chooses the node. */
  | { readonly type: 'transfer'; readonly target: string | null };

export type MembersChange =
  | { readonly type: 'add-learner'; readonly id: string; readonly address: string }
  | { readonly type: 'promote' | 'demote' | 'remove'; readonly id: string };

export type MembersAnswer =
  | { readonly type: 'done' }
  /**
   * `again` is true if another node, or the same one later, may accept it. Otherwise it is refused for good, or its
   * result is unknown.
   */
  | { readonly type: 'refused'; readonly again: boolean; readonly detail: string };

/** Requests to nodes of a running cluster, by `host:port`. */
export interface Membership {
  isAddress(text: string): boolean;
  ask(address: string, request: MembersRequest, withinMs: number): Promise<MembersAnswer>;
  /**
   * Returns one line with the node's view of itself and its cluster. Rejects with the reason if the node does not
   * answer.
   */
  describe(address: string, withinMs: number): Promise<string>;
}
