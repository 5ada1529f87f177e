import type { LinksServer, Verdict } from '../event.ts';
import type { EventLine } from '../output/event-line.ts';
import type { View } from '../view/model.ts';
import { viewOf } from '../view/view.ts';

/**
 * Everything that the screen shows, made from `HarnessEvent`s alone by `reduce`. Times are ms since the run began.
 * Bounded: every list has a limit below, so that a run of hours holds no more than one of minutes.
 */
export interface DashboardState extends View {
  readonly run: RunInfo | null;
  /** When the steps began: a step's `at` counts from there. Null before. */
  readonly stepsFrom: number | null;
  readonly held: boolean;
  readonly steps: readonly StepState[];
  /** When something was broken, for the bands below the charts, oldest first. */
  readonly faultSpans: readonly TimeSpan[];
  readonly leaderGaps: readonly TimeSpan[];
  readonly ops: readonly OpsPoint[];
  readonly events: readonly EventLine[];
  /** Number of events that were dropped from `events`. */
  readonly eventsDropped: number;
  /** The newest node trace so far: the safety properties are checked on each as it comes. */
  readonly tracedTo: number | null;
  readonly checks: Readonly<Record<string, CheckState>>;
  /**
   * Time up to which linearizability is checked, and number of keys that are left to the final check. Null: it is not
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
  /** Progress of a running step, or how it ended. */
  readonly detail: string;
}

/** `to` is null while it lasts. */
export interface TimeSpan {
  readonly from: number;
  readonly to: number | null;
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
