import type { Op, OpFunction, RegisterValue } from '../history/op.ts';

/** One operation on one key, as the history records it. */
export interface Task {
  readonly f: OpFunction;
  readonly key: string;
  readonly input: Op['input'];
}

/** Answer of a node to a task. */
export type Answer =
  /** A read was served. `null`: the key was never written. */
  | { readonly type: 'value'; readonly value: RegisterValue }
  /** A mutation took effect. */
  | { readonly type: 'done' }
  /** A cas did not and will not take effect. `found` is the current value, if the node reports it. */
  | { readonly type: 'mismatch'; readonly found?: RegisterValue }
  | Refusal
  /** The answer does not fit the request: the node is broken, and the effect of the request is unknown. */
  | { readonly type: 'wrong' };

export interface Refusal {
  readonly type: 'refused';
  /**
   * A short word for the history. All systems use the same word `not-leader`, which is a final answer for a client that
   * stays on one node.
   */
  readonly error: string;
  /** True if this attempt did not and will not take effect; false if it may have taken effect or may still do so. */
  readonly definite: boolean;
  /** True if the same request may be sent again, to this node or another. */
  readonly retry: boolean;
  /** The id of the node that leads, if the answering node knows it. */
  readonly leader?: string;
}

/** The end of one attempt. */
export type AttemptEnd<Result = Answer> =
  | { readonly type: 'answer'; readonly result: Result }
  /** It was sent, at least in part, and the connection broke before an answer. */
  | { readonly type: 'lost' }
  /** No byte of it was or will be sent. */
  | { readonly type: 'unsent'; readonly error: 'refused' | 'closed' };

/** One attempt that has not ended. */
export interface Ask {
  /** True if some of its bytes may have been sent. */
  readonly sent: boolean;
  /**
   * Gives up the answer. An unsent request will never be sent; the answer to a sent one is ignored. The listener is not
   * called again.
   */
  drop(): void;
}

/** A task in the system's own form. All attempts of one operation send the same request. */
export type SystemRequest = object;

/** One logical client of the system: its own connections to the nodes and, if the system has any, its session. */
export interface SystemClient {
  /** True if the client may mutate now; false if it first needs something else, for example a session. */
  mayMutate(): boolean;
  /** The request for a task. It is called for a mutation only after `mayMutate` returned true. */
  request(task: Task): SystemRequest;
  /** `listener` is called once with the end of the attempt, never before `ask` has returned. */
  ask(node: string, request: SystemRequest, listener: (end: AttemptEnd) => void): Ask;
  /**
   * Called when the operation has ended. After an unknown outcome (`info`) the system sees a new client, because an old
   * attempt may still take effect.
   */
  ended(outcome: 'ok' | 'fail' | 'info', error: string | undefined): void;
}

/** All clients of one load. */
export interface SystemClients {
  /**
   * True if a mutation is applied at most once even if the same request is sent several times, as with sessions. If
   * false, a mutation is not sent again to any node while an earlier attempt of it may still take effect.
   */
  readonly appliesOnce: boolean;
  /** A further logical client. Connections are made when they are first needed. */
  client(): SystemClient;
  start(): void;
  /** Stops preparations for new operations; open operations continue. */
  stop(): void;
  /** Closes every connection. */
  close(): void;
}

export interface ClientSetup {
  /** `host:port` of the client link to each node. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Number of logical clients that the load will have. */
  readonly clients: number;
  /** The `data` of the system's `ClientModule`. */
  readonly data: unknown;
  /**
   * Must be called with the reason if this machine cannot open any connections (no free file descriptors, no ports):
   * this is not a failure of the nodes, and the load cannot continue.
   */
  readonly onUnable: (reason: string) => void;
}

export type ConnectClients = (setup: ClientSetup) => SystemClients;

/** Place of a system's clients for the load's thread. It is plain data, because it is sent to that thread. */
export interface ClientModule {
  /** URL of a module that exports `connectClients: ConnectClients`. */
  readonly module: string;
  /** Argument for `connectClients`; it must be data that can be cloned. */
  readonly data?: unknown;
}
