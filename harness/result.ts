import type { LinksServer, RunTime, Verdict } from './event.ts';
import type { Stall } from './stall.ts';

/** Exit codes of `chaos`. Interrupted runs exit 130 (SIGINT) or 143 (SIGTERM) and 129 (SIGHUP), report written. */
export const EXIT = { pass: 0, violation: 1, usage: 2, environment: 3, inconclusive: 4 } as const;

export type ExpectationGroup = 'steady' | 'steps' | 'always' | 'during' | 'recovery' | 'not-vacuous';

export interface ExpectationResult {
  readonly group: ExpectationGroup;
  /** In the scenario's words: `linearizable`, `leader-within: 2s`, `during cut: n1 acked-writes = 0`. */
  readonly name: string;
  /**
   * `not-judged`: the system under test does not report the data that this needs. It counts neither for nor against the
   * run.
   */
  readonly status: 'pass' | 'fail' | 'unknown' | 'skipped' | 'not-judged';
  /** What was seen, in a plain sentence with figures. */
  readonly detail: string;
  readonly line?: number;
  /** The longest one, if the row is about several times. */
  readonly tookMs?: number;
  /** Number of times that the row is about; absent: 1. */
  readonly count?: number;
}

/** One proof of a violation: which property, in prose, and the operations or trace events that show it. */
export interface Violation {
  /** `linearizability`, or a safety property's name. */
  readonly property: string;
  /** `stale read`, `lost write`, `two leaders in one term`… */
  readonly anomaly: string;
  readonly prose: string;
  readonly key?: string;
  /** Ids of `Op`s: the smallest failing window that was found, as far as it can be drawn. */
  readonly opIds?: readonly number[];
  /**
   * Ids of `Op`s that have no order by themselves, whatever the rest of the history is: at most six where values tell
   * their writers apart, and the CAS and appends that lead from a write to the values that these saw.
   */
  readonly certificate?: readonly number[];
  /** Longest prefix that can be linearized (ids in order), the operation that is stuck, and the states around it. */
  readonly linearizedIds?: readonly number[];
  readonly stuckId?: number;
  readonly stateBefore?: string | null;
  /** The node trace events that prove it, oldest first. */
  readonly events?: readonly { readonly t: RunTime; readonly node: string; readonly text: string }[];
}

export interface LeaderGap {
  readonly from: RunTime;
  readonly to: RunTime;
}

/** `result.json`, version 1: the model that every report is made from. */
export interface RunResult {
  readonly schema: 'chaos/result/v1';
  readonly verdict: Verdict;
  readonly exitCode: number;
  /** The verdict in a plain sentence. */
  readonly sentence: string;
  readonly run: string;
  readonly scenario: string;
  readonly file: string;
  readonly seed: number;
  readonly links: LinksServer;
  readonly nodes: readonly string[];
  readonly startedAt: string;
  readonly durationMs: number;
  /** ms from the command's start to the first confirmed fault, null if there was none. */
  readonly firstFaultMs: number | null;
  readonly interrupted: string | null;
  readonly counts: {
    readonly operations: number;
    readonly ok: number;
    readonly fail: number;
    readonly info: number;
    readonly byFunction: Readonly<
      Record<string, { readonly ok: number; readonly fail: number; readonly info: number }>
    >;
    readonly faults: number;
    readonly manualFaults: number;
    readonly elections: number;
    readonly nodeStarts: number;
  };
  readonly latencyMs: {
    readonly p50: number | null;
    readonly p99: number | null;
    readonly p999: number | null;
    readonly max: number | null;
  };
  readonly leaderGaps: readonly LeaderGap[];
  /** Times in which the harness itself stood still (Ctrl-Z, SIGSTOP, no processor time); absent: never. */
  readonly stalls?: readonly Stall[];
  readonly expectations: readonly ExpectationResult[];
  readonly violations: readonly Violation[];
  readonly error: string | null;
  readonly environment: {
    readonly chaos: string;
    readonly node: string;
    readonly platform: string;
    readonly command: readonly string[];
  };
}
