import type { HarnessEvent, Phase } from '../event.ts';
import type { NodeLife } from '../ports/cluster.ts';
import type { NodeRole, NodeStatus } from '../trace.ts';

/**
 * The cluster as the event stream describes it. `viewAfter` folds one event into it; the runner's conditions, the
 * dashboard and the report all read this one view, so that they agree. Times are ms since the run began. The size is
 * bounded, because it holds only the present; a reader that needs the past keeps the changes from one view to the next.
 */
export interface View {
  /** The largest time of any event so far. */
  readonly t: number;
  readonly phase: Phase;
  readonly nodes: Readonly<Record<string, NodeState>>;
  /** The latest event of each link: confirmed, or (`pending`) only requested. */
  readonly links: Readonly<Record<string, LinkState>>;
  /** Names of the links that are confirmed to be cut. */
  readonly cuts: ReadonlySet<string>;
  readonly leadership: Leadership;
  /** Faults that are requested or in effect, oldest first. */
  readonly faults: readonly LiveFault[];
  /** Operations so far. */
  readonly totals: {
    readonly invoked: number;
    readonly ok: number;
    readonly fail: number;
    readonly info: number;
  };
}

export interface NodeState {
  readonly id: string;
  readonly life: NodeLife;
  readonly pid: number | null;
  /** Time at which its process came up; null while it is down. */
  readonly upSince: number | null;
  /** Latest status of the running process; null before the first one. */
  readonly status: (NodeStatus & { readonly at: number }) | null;
  /** Newest role and term, from status or trace; null if the running process has reported none. */
  readonly role: NodeRole | null;
  readonly term: number | null;
  /** Highest commit index reported since the process started. */
  readonly commit: number;
  /** Log length in the latest status that contained it; kept while the node is down. */
  readonly lastIndex: number | null;
  /** Number of changes of role, term or known leader over the whole run. */
  readonly changes: number;
  /** Number of reports over the whole run. */
  readonly reports: number;
  /** Number of processes that came up over the whole run. */
  readonly starts: number;
}

export type LinkState = Omit<Extract<HarnessEvent, { type: 'link' }>, 't' | 'type' | 'link'>;

export interface LiveFault {
  readonly id: string;
  readonly text: string;
  readonly by: 'scenario' | 'manual' | 'cleanup';
  readonly confirmed: boolean;
  readonly since: number;
  readonly nodes: readonly string[];
  readonly links: readonly string[];
}

/** One node that leads one term. */
export interface TermLeader {
  readonly node: string;
  /** 0 if the system reports no terms. */
  readonly term: number;
}

export interface Leadership {
  /** The node that leads: of the nodes that are up and claim to lead, the one with the highest term. */
  readonly leader: string | null;
  /** Term of that node, or of the last one that led. */
  readonly term: number;
  /**
   * The standing leader (see `standingLeader`). A leader that is cut off still claims to lead, but it is not a standing
   * leader.
   */
  readonly standing: TermLeader | null;
  /** Time since which the standing leader has led without interruption; null while there is none. */
  readonly standingSince: number | null;
  /** The latest nodes that were seen to lead a term, newest last; at least the latest claim of each node. */
  readonly claims: readonly TermLeader[];
  /** The first term in which two nodes were seen to lead, which breaks Raft's election safety (§5.2). */
  readonly twoLeaders: { readonly term: number; readonly nodes: readonly string[] } | null;
  /** Number of elections that were won. */
  readonly elections: number;
  /** Time since which there is no standing leader; null while there is one, and before the first. */
  readonly gapSince: number | null;
  readonly gapTotalMs: number;
  readonly gapLongestMs: number;
}
