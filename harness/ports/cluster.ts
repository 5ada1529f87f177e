import type { LogLine, NodeStatus, TraceEvent } from '../trace.ts';

export type NodeLife = 'starting' | 'up' | 'paused' | 'stopping' | 'down';

export interface NodeExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** True if the harness caused the exit (kill, stop); false if the node exited by itself, which is a finding. */
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
   * Some reports of the node cannot be read or are missing, although its process was not killed. `traceHole` is true if
   * steps of its trace may be among them.
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
 * Port: real processes, or simulated nodes. Each call returns when its effect is complete: the process has ended,
 * serves clients, is paused and so on.
 */
export interface Cluster {
  readonly nodes: readonly string[];
  view(node: string): NodeView;
  subscribe(listener: (event: ClusterEvent) => void): () => void;
  /**
   * Starts a node that is down. Resolves at its `ready` line; rejects with its stderr if it exits first or needs more
   * than 10 s.
   */
  start(node: string): Promise<void>;
  /** Sends SIGKILL. */
  kill(node: string): Promise<void>;
  /** Sends SIGTERM, and SIGKILL after 5 s. */
  stop(node: string): Promise<void>;
  /** Sends SIGSTOP; `resume` sends SIGCONT. */
  pause(node: string): Promise<void>;
  resume(node: string): Promise<void>;
  /** Removes the data folder of a node that is down. */
  wipe(node: string): Promise<void>;
  /** Ends every node process, including paused ones, and closes the pipes. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}
