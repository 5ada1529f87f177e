import type { LinksServer, Verdict } from '../event.ts';
import type { EventLine } from '../output/event-line.ts';
import type { View } from '../view/model.ts';
import { viewOf } from '../view/view.ts';

/**
 * Everything that the screen shows; `reduce` makes it from `HarnessEvent`s alone. Times are ms since the run began. Its
 * size is bounded: every list has a limit below, so that a long run needs no more memory than a short one.
 */
export interface DashboardState extends View {
  readonly run: RunInfo | null;
  /** Time at which the steps began, to which a step's `at` is relative. Null before that. */
  readonly stepsFrom: number | null;
  readonly held: boolean;
  readonly steps: readonly StepState[];
  /** Times with a fault in effect or a node down or paused, for the bands below the charts, oldest first. */
  readonly faultSpans: readonly TimeSpan[];
  readonly leaderGaps: readonly TimeSpan[];
  readonly ops: readonly OpsPoint[];
  readonly events: readonly EventLine[];
  /** Number of events that were dropped from `events`. */
  readonly eventsDropped: number;
  /**
   * Time of the newest node trace: the safety properties are checked up to there, because each trace is checked as it
   * arrives.
   */
  readonly tracedTo: number | null;
  readonly checks: Readonly<Record<string, CheckState>>;
  /**
   * Time up to which linearizability is checked, and number of keys that are left to the final check. Null if it is not
   * checked live.
   */
  readonly judged: { readonly to: number; readonly undecided: number } | null;
  readonly violations: readonly {
    readonly t: number;
    readonly property: string;
    readonly key: string | null;
    readonly text: string;
  }[];
  readonly violationCount: number;
  /**
   * Violations of linearizability found during the run (`live`) and at its end (`final`), and those of other
   * properties.
   */
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
  violations: 20,
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

export interface StepState {
  readonly text: string;
  readonly line: number;
  readonly state: 'waiting' | 'running' | 'ok' | 'failed' | 'skipped';
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Progress of a running step, or the result of one that ended. */
  readonly detail: string;
}

/** `to` is null while the span lasts. */
export interface TimeSpan {
  readonly from: number;
  readonly to: number | null;
}

/** One window of the load. Rates are per second; latencies in ms, null if no operation was ok. */
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
  ...viewOf([]),
  run: null,
  stepsFrom: null,
  held: false,
  steps: [],
  faultSpans: [],
  leaderGaps: [],
  ops: [],
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
