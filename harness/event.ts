import type { LogLine, NodeStatus, TraceEvent } from './trace.ts';

/** What carries the run. `external`: a Toxiproxy that already ran at the given URL. `simulated`: links in memory. */
export interface LinksServer {
  readonly kind: 'toxiproxy' | 'builtin' | 'external' | 'simulated';
  readonly version: string;
  readonly url: string;
}

/** Milliseconds since the run began, on the machine's monotonic clock. */
export type RunTime = number;

export type Verdict = 'pass' | 'violation' | 'inconclusive' | 'error';

/** Every step in a run's life, in this order; a run that ends early jumps to `stopping`. */
export type Phase = 'starting' | 'steady' | 'running' | 'healing' | 'checking' | 'stopping' | 'done';

export type FaultState = 'requested' | 'confirmed' | 'healing' | 'healed' | 'failed';

/** One window of the load. Latencies in ms, of ok operations; null where none completed. */
export interface OpsFigures {
  readonly windowMs: number;
  readonly ok: number;
  readonly fail: number;
  readonly info: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
  readonly total: {
    readonly invoked: number;
    readonly ok: number;
    readonly fail: number;
    readonly info: number;
  };
  /** Totals so far of ok operations. */
  readonly okByFunction: Readonly<Record<string, number>>;
}

/**
 * The one stream: dashboard, line output, report and tests consume it, `events.jsonl` stores it (a line each), one pure
 * reducer turns it into what is seen. Times are ms since the run began.
 */
export type HarnessEvent = { readonly t: RunTime } & (
  | {
      readonly type: 'run';
      readonly run: string;
      readonly scenario: string;
      readonly file: string;
      readonly seed: number;
      /** Where the run happens, if not among real processes on this machine. */
      readonly stage?: string;
      readonly nodes: readonly string[];
      readonly links: LinksServer;
      readonly out: string;
      readonly steps: readonly { readonly text: string; readonly line: number }[];
      /** Wall clock time, ISO 8601. It is only for display. */
      readonly startedAt: string;
    }
  | { readonly type: 'phase'; readonly phase: Phase }
  | {
      readonly type: 'life';
      readonly node: string;
      readonly life: 'starting' | 'up' | 'paused' | 'stopping' | 'down';
      readonly pid: number | null;
      readonly exit?: {
        readonly code: number | null;
        readonly signal: string | null;
        readonly expected: boolean;
        readonly stderr: string;
      };
    }
  | ({ readonly type: 'status'; readonly node: string } & NodeStatus)
  | { readonly type: 'trace'; readonly node: string; readonly trace: TraceEvent }
  | ({ readonly type: 'log'; readonly node: string } & LogLine)
  | {
      readonly type: 'step';
      /**
       * Index into the run's `steps`; nested steps (parallel, repeat…) carry their top-level step's index and a
       * `path`.
       */
      readonly index: number;
      readonly path?: string;
      readonly state: 'running' | 'ok' | 'failed' | 'skipped';
      readonly text: string;
      readonly detail?: string;
    }
  | {
      readonly type: 'fault';
      /** Names this fault over its life; `as:` where the scenario gave one. */
      readonly id: string;
      readonly verb: string;
      /** False if it is over as soon as it is confirmed (a reset, a restart): there is nothing to heal. */
      readonly lasting: boolean;
      readonly state: FaultState;
      readonly by: 'scenario' | 'manual' | 'cleanup';
      /** Resolved, short: `cut n1<->n2 n1<->n3`. */
      readonly text: string;
      readonly nodes: readonly string[];
      /** Link names `n1->n2`. */
      readonly links: readonly string[];
      /** The step as it would be in a scenario, names resolved (manual faults are recorded with it). */
      readonly step?: unknown;
      readonly detail?: string;
      readonly tookMs?: number;
    }
  /**
   * The condition of a link, as the server has confirmed it. Absent fields mean clean. `pending`: it was requested, but
   * not confirmed yet.
   */
  | {
      readonly type: 'link';
      readonly link: string;
      readonly pending: boolean;
      readonly cut?: 'blackhole' | 'refuse';
      readonly delay?: { readonly latencyMs: number; readonly jitterMs: number };
      readonly bandwidthKBps?: number;
      readonly slice?: boolean;
    }
  /**
   * Operations that completed in the window that ends at `t` (every 250 ms), and totals so far. Latencies in ms, of
   * ok operations.
   */
  | ({ readonly type: 'ops' } & OpsFigures)
  /** An operation worth a line: an unknown outcome, or an unusual failure (rate-limited; the history has them all). */
  | { readonly type: 'op'; readonly node: string; readonly text: string; readonly outcome: 'fail' | 'info' }
  /** The harness itself stood still since `from` (Ctrl-Z, SIGSTOP, no processor time) and runs again at `t`. */
  | { readonly type: 'stall'; readonly from: RunTime }
  /** Manual control: the scenario clock is held, or runs. */
  | { readonly type: 'hold'; readonly held: boolean }
  | {
      readonly type: 'violation';
      readonly property: string;
      readonly text: string;
      readonly key?: string;
      readonly opIds?: readonly number[];
      /** Linearizability, as the operation ended that completes it: the final check tells of it once more, in full. */
      readonly live?: true;
    }
  /**
   * How far linearizability is judged while the load goes on: every operation that ended by `to` is, on `keys` keys, of
   * which `undecided` are left to the final check.
   */
  | { readonly type: 'checked'; readonly to: RunTime; readonly keys: number; readonly undecided: number }
  /** Progress of a check. */
  | {
      readonly type: 'check';
      readonly name: string;
      readonly state: 'running' | 'pass' | 'fail' | 'unknown';
      readonly detail: string;
      readonly tookMs?: number;
    }
  /** `by: manual`: the answer to something that a person asked for; the dashboard shows it as a toast. */
  | {
      readonly type: 'note';
      readonly level: 'info' | 'warn' | 'error';
      readonly text: string;
      readonly by?: 'manual';
    }
  | {
      readonly type: 'verdict';
      readonly verdict: Verdict;
      readonly exitCode: number;
      readonly sentence: string;
      readonly report: string;
    }
);

/**
 * What a person asks for while a run goes on; the runner turns faults into steps of the scenario language, `by:
 * manual`.
 */
export type ManualCommand =
  /** A step as it would be in YAML, e.g. `{ kill: { node: 'n1' } }` or `{ heal: 'all' }`. */
  | { readonly type: 'inject'; readonly step: Readonly<Record<string, unknown>> }
  | { readonly type: 'undo' }
  | { readonly type: 'hold' }
  | { readonly type: 'next' }
  /** Stop, heal, check what there is, write the report. */
  | { readonly type: 'stop' }
  /** Heal and end everything now; still write what there is. */
  | { readonly type: 'abort' };
