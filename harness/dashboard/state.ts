import type { HarnessEvent, LinksServer, Phase, Verdict } from '../event.ts';
import type { EventLine } from '../output/event-line.ts';

/**
 * Everything that the screen shows, made from `HarnessEvent`s alone by `reduce`. Times are ms since the run began.
 * Bounded: every list has a limit below, so that a run of hours holds no more than one of minutes.
 */
export interface DashboardState {
  /** The largest time of any event so far. */
  readonly t: number;
  readonly run: RunInfo | null;
  readonly phase: Phase;
  /** When the steps began: a step's `at` counts from there. Null before. */
  readonly stepsFrom: number | null;
  readonly held: boolean;
  readonly nodes: Readonly<Record<string, NodeState>>;
  readonly links: Readonly<Record<string, LinkState>>;
  readonly steps: readonly StepState[];
  /** Faults that are asked for or live, oldest first. */
  readonly faults: readonly LiveFault[];
  /** When something was broken, for the bands below the charts, oldest first. */
  readonly faultSpans: readonly TimeSpan[];
  readonly leaderGaps: readonly TimeSpan[];
  readonly leadership: Leadership;
  readonly ops: readonly OpsPoint[];
  readonly totals: {
    readonly invoked: number;
    readonly ok: number;
    readonly fail: number;
    readonly info: number;
  };
  readonly events: readonly EventLine[];
  /** How many events have left `events`. */
  readonly eventsDropped: number;
  /** The newest node trace so far: the safety properties are checked on each as it comes. */
  readonly tracedTo: number | null;
  readonly checks: Readonly<Record<string, CheckState>>;
  /** How far linearizability is judged, and how many keys are left to the end; null: it is not judged live. */
  readonly judged: { readonly to: number; readonly undecided: number } | null;
  readonly violations: readonly {
    readonly t: number;
    readonly property: string;
    readonly key: string | null;
    readonly text: string;
  }[];
  readonly violationCount: number;
  /** Of linearizability, as they were found during the run and at its end; and of other properties. */
  readonly violationCounts: { readonly live: number; readonly final: number; readonly other: number };
  readonly manual: { readonly count: number; readonly last: string | null };
  readonly verdict: {
    readonly verdict: Verdict;
    readonly exitCode: number;
    readonly sentence: string;
    readonly report: string;
  } | null;
}

export const LIMITS = {
  ops: 2_400,
  events: 500,
  spans: 400,
  claims: 64,
  violations: 20,
  faults: 64,
  checks: 32,
} as const;

export interface RunInfo {
  readonly run: string;
  readonly scenario: string;
  readonly file: string;
  readonly seed: number;
  readonly nodes: readonly string[];
  readonly links: LinksServer;
  readonly out: string;
}

export interface NodeState {
  readonly id: string;
  readonly life: 'starting' | 'up' | 'paused' | 'stopping' | 'down';
  readonly pid: number | null;
  /** When its process came up; null while it is down. */
  readonly upSince: number | null;
  /** What it said last; null before its first status since it came up. `at`: when. */
  readonly status: NodeStatus | null;
}

export interface NodeStatus {
  readonly at: number;
  readonly role: 'follower' | 'pre-candidate' | 'candidate' | 'leader';
  /** 0 if the system reports no terms. */
  readonly term: number;
  readonly leader: string | null;
  /** The indexes are undefined if the system does not report them. */
  readonly commit: number | undefined;
  readonly applied: number | undefined;
  readonly lastIndex: number | undefined;
}

export type LinkState = Omit<Extract<HarnessEvent, { type: 'link' }>, 't' | 'type' | 'link'>;

export interface StepState {
  readonly text: string;
  readonly line: number;
  readonly state: 'waiting' | 'running' | 'ok' | 'failed' | 'skipped';
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** What a running step does within itself, or how it ended. */
  readonly detail: string;
}

export interface LiveFault {
  readonly id: string;
  readonly text: string;
  readonly by: 'scenario' | 'manual' | 'cleanup';
  readonly confirmed: boolean;
  readonly since: number;
  readonly nodes: readonly string[];
  readonly links: readonly string[];
}

/** `to` is null while it lasts. */
export interface TimeSpan {
  readonly from: number;
  readonly to: number | null;
}

export interface Leadership {
  /** The node that leads: of the running nodes that claim it, the one with the highest term. */
  readonly leader: string | null;
  readonly term: number;
  /**
   * The leader that stands: a majority of nodes, itself included, are up, name it as leader of its term and can
   * exchange messages with it. A leader that is cut off still claims to lead and does not stand.
   */
  readonly standing: { readonly node: string; readonly term: number } | null;
  /** Who was seen to lead which term, newest last: two nodes in one term break Raft's election safety (§5.2). */
  readonly claims: readonly { readonly term: number; readonly node: string }[];
  readonly twoLeaders: { readonly term: number; readonly nodes: readonly string[] } | null;
  readonly elections: number;
  /** No leader stands since then; null while one does, and before the first. */
  readonly gapSince: number | null;
  readonly gapTotalMs: number;
  readonly gapLongestMs: number;
}

/** One window of the load. Rates are per second; latencies in ms, null where no operation was ok. */
export interface OpsPoint {
  readonly t: number;
  readonly okPerSecond: number;
  readonly failPerSecond: number;
  readonly infoPerSecond: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

export interface CheckState {
  readonly t: number;
  readonly state: 'running' | 'pass' | 'fail' | 'unknown';
  readonly detail: string;
}

export const EMPTY_STATE: DashboardState = {
  t: 0,
  run: null,
  phase: 'starting',
  stepsFrom: null,
  held: false,
  nodes: {},
  links: {},
  steps: [],
  faults: [],
  faultSpans: [],
  leaderGaps: [],
  leadership: {
    leader: null,
    term: 0,
    standing: null,
    claims: [],
    twoLeaders: null,
    elections: 0,
    gapSince: null,
    gapTotalMs: 0,
    gapLongestMs: 0,
  },
  ops: [],
  totals: { invoked: 0, ok: 0, fail: 0, info: 0 },
  events: [],
  eventsDropped: 0,
  tracedTo: null,
  checks: {},
  judged: null,
  violations: [],
  violationCount: 0,
  violationCounts: { live: 0, final: 0, other: 0 },
  manual: { count: 0, last: null },
  verdict: null,
};
