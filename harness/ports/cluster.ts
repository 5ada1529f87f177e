import type { LogLine, NodeStatus, TraceEvent } from '../trace.ts';

export type NodeLife = 'starting' | 'up' | 'paused' | 'stopping' | 'down';

export interface NodeExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** True when the harness asked for it (kill, stop); false: it died by itself, which is a finding. */
  readonly expected: boolean;
  /** The last lines of its stderr. */
  readonly stderr: string;
}

/** Events of the cluster. `t`: ms since the run began. */
export type ClusterEvent =
  | {
      readonly type: 'life';
      readonly t: number;
      readonly node: string;
      readonly life: NodeLife;
      readonly pid: number | null;
      readonly exit?: NodeExit;
    }
  /** The node serves clients. */
  | { readonly type: 'ready'; readonly t: number; readonly node: string }
  | { readonly type: 'status'; readonly t: number; readonly node: string; readonly status: NodeStatus }
  | { readonly type: 'trace'; readonly t: number; readonly node: string; readonly trace: TraceEvent }
  /**
   * Some of the node's reports cannot be read, or are missing, although its process was not killed. `traceHole`: steps
   * of its trace may be among them.
   */
  | {
      readonly type: 'reports-lost';
      readonly t: number;
      readonly node: string;
      readonly reason: string;
      readonly traceHole: boolean;
    }
  | { readonly type: 'log'; readonly t: number; readonly node: string; readonly log: LogLine };

export interface NodeView {
  readonly id: string;
  readonly life: NodeLife;
  readonly pid: number | null;
}

/**
 * Port: real processes, or simulated nodes. All calls return once the thing is done (the process gone, up and
 * listening, stopped…).
 */
export interface Cluster {
  readonly nodes: readonly string[];
  view(node: string): NodeView;
  subscribe(listener: (event: ClusterEvent) => void): () => void;
  /**
   * Starts a node that is down; resolves at its `ready` line, rejects with its stderr if it exits first or takes over
   * 10 s.
   */
  start(node: string): Promise<void>;
  /** SIGKILL. */
  kill(node: string): Promise<void>;
  /** SIGTERM, and after 5 s SIGKILL. */
  stop(node: string): Promise<void>;
  /** SIGSTOP / SIGCONT. */
  pause(node: string): Promise<void>;
  resume(node: string): Promise<void>;
  /** Removes a down node's data folder. */
  wipe(node: string): Promise<void>;
  /** Ends every node process (also paused ones), closes pipes. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}
