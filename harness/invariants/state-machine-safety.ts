import type { SnapshotPoint, TraceEvent } from '../trace.ts';
import type { Violation } from '../result.ts';
import { LogMirror } from './log-mirror.ts';
import { event, hex, type NodeView, type Property, type Seen, violation } from './property.ts';

const NAME = 'state-machine-safety';
/** Maximum number of snapshots whose states are kept: the latest ones. */
const MAX_STATES = 10_000;

/**
 * If a server has applied an entry at an index, no other ever applies a different one there (Raft §5.4.3, figure 3).
 * From this follows that only committed entries are applied, that a state machine never goes back, and that the entries
 * that a node has applied stay in its log.
 */
export class StateMachineSafety implements Property {
  readonly name = NAME;
  /** The entry that was applied first at each index, on any node. */
  readonly #applied = new LogMirror();
  readonly #appliers: { readonly from: number; readonly t: number; readonly node: string }[] = [];
  /** By node: index up to which its applied entries were compared with those of others, and time of its last one. */
  readonly #checked = new Map<string, number>();
  readonly #appliedAt = new Map<string, number>();
  readonly #reported = new Set<string>();
  /** By index: the state of the first snapshot seen there. */
  readonly #states = new Map<number, { readonly t: number; readonly node: string; readonly state: number }>();
  #statesCompared = 0;
  #applies = 0;
  #compared = 0;

  feed(seen: Seen, view: NodeView): readonly Violation[] {
    const found = this.#judge(seen, view);
    if (found === null || this.#reported.has(`${seen.node}/${found.anomaly}`)) return [];
    this.#reported.add(`${seen.node}/${found.anomaly}`);
    return [found];
  }

  summary(): { evidence: number; detail: string } {
    return {
      evidence: this.#applies,
      detail: `applied up to index ${this.#applied.last}, ${this.#compared} entries and ${this.#statesCompared} snapshots compared between nodes`,
    };
  }

  #judge(seen: Seen, view: NodeView): Violation | null {
    const { trace, node } = seen;
    if (trace.type === 'Apply') return this.#onApply(seen, trace.index, trace.digest >>> 0, view);
    if (trace.type === 'Replicate') return this.#onReplicate(seen, trace, view);
    if (trace.type === 'TakeSnapshot') return this.#onSnapshot(seen, trace);
    if (trace.type === 'InstallSnapshot') return this.#onInstall(seen, trace, view);
    // A restarted node applies from the start (or from a snapshot) again. Its entries are compared again, because its
    // log may have changed.
    if (trace.type !== 'Recover') return null;
    this.#checked.delete(node);
    return trace.snapshot === null ? null : this.#onSnapshot(seen, trace.snapshot);
  }

  /** Checks that state and log of a snapshot are equal to those of every other node at its index. */
  #onSnapshot(seen: Seen, { index, digest, state }: SnapshotPoint): Violation | null {
    const { t, node } = seen;
    const now = event(seen, `snapshot at index ${index}, log digest ${hex(digest)}, state ${hex(state)}`);
    if (this.#applied.has(index) && this.#applied.digestAt(index) !== digest >>> 0) {
      const known = hex(this.#applied.digestAt(index));
      const prose = `${node} has a snapshot of a different log than the one that was applied up to index ${index}: digest ${hex(digest)}, not ${known}.`;
      return violation(NAME, 'two entries applied at one index', prose, [now]);
    }
    const other = this.#states.get(index);
    if (other === undefined) {
      this.#states.set(index, { t, node, state });
      if (this.#states.size > MAX_STATES) this.#states.delete(this.#states.keys().next().value!);
      return null;
    }
    this.#statesCompared++;
    if (other.state === state) return null;
    const prose = `${node} and ${other.node} have different states at index ${index}, ${hex(state)} and ${hex(other.state)}: applying the same log gave different results.`;
    return violation(NAME, 'two states at one index', prose, [
      event(other, `snapshot at index ${index}, state ${hex(other.state)}`),
      now,
    ]);
  }

  #onInstall(seen: Seen, point: SnapshotPoint, view: NodeView): Violation | null {
    const { node, t } = seen;
    if (point.index <= view.applied) {
      const prose = `${node} had applied up to index ${view.applied}, and then installed a snapshot that ends at ${point.index}: its state machine went back.`;
      return violation(NAME, 'state machine went back', prose, [
        event(seen, `installed the snapshot at index ${point.index}`),
      ]);
    }
    this.#applies++;
    this.#appliedAt.set(node, t);
    this.#checked.set(node, point.index);
    return this.#onSnapshot(seen, point);
  }

  #onApply(seen: Seen, index: number, digest: number, view: NodeView): Violation | null {
    const { node } = seen;
    this.#applies++;
    this.#appliedAt.set(node, seen.t);
    const now = event(seen, `applied up to index ${index}, digest ${hex(digest)}`);
    if (view.commit !== null && index > view.commit) {
      const prose = `${node} applied up to index ${index}, but it knew only that index ${view.commit} is committed.`;
      return violation(NAME, 'applied what is not committed', prose, [now]);
    }
    if (index < view.applied) {
      const prose = `${node} applied up to index ${view.applied}, and then up to ${index}: its state machine went back.`;
      return violation(NAME, 'state machine went back', prose, [now]);
    }
    if (view.log.has(index) && view.log.digestAt(index) !== digest) {
      const prose = `${node} applied entries that differ from its log: up to index ${index} their digest is ${hex(digest)}, but in its log it is ${hex(view.log.digestAt(index))}.`;
      return violation(NAME, 'applied what is not in the log', prose, [now]);
    }
    if (!view.logComplete && !view.log.has(index)) return this.#compareAt(seen, index, digest);
    return this.#compare(seen, index, view);
  }

  /** Compares only the last applied entry, because the node's own log is not known there. */
  #compareAt(seen: Seen, index: number, digest: number): Violation | null {
    if (!this.#applied.has(index)) return null;
    this.#compared++;
    const known = this.#applied.digestAt(index);
    return known === digest ? null : this.#differs(seen, { index, digest, known });
  }

  /** Checks each entry once per node and life against the one that was applied first at its index. */
  #compare(seen: Seen, index: number, view: NodeView): Violation | null {
    const { node } = seen;
    const from = Math.max((this.#checked.get(node) ?? 0) + 1, view.log.first, this.#applied.first);
    for (let at = from; at <= index && view.log.has(at); at++) {
      const digest = view.log.digestAt(at);
      if (!this.#applied.has(at)) {
        if (at > this.#applied.last + 1) this.#appliers.length = 0;
        this.#applied.put(at, view.log.termAt(at), digest);
        if (this.#appliers.at(-1)?.node !== node) this.#appliers.push({ from: at, t: seen.t, node });
        continue;
      }
      this.#compared++;
      const known = this.#applied.digestAt(at);
      if (known === digest) continue;
      this.#checked.set(node, index);
      return this.#differs(seen, { index: at, digest, known });
    }
    this.#checked.set(node, index);
    return null;
  }

  #differs(
    seen: Seen,
    { index, digest, known }: { readonly index: number; readonly digest: number; readonly known: number },
  ): Violation {
    const { node } = seen;
    const other = this.#appliers.findLast((applier) => applier.from <= index);
    const whose = other?.node === node ? 'it had before' : (other?.node ?? 'another node');
    const prose = `${node} applied a different entry at index ${index} (digest ${hex(digest)}) than ${whose} (digest ${hex(known)}).`;
    const theirs = other === undefined ? [] : [event(other, `applied index ${index}, digest ${hex(known)}`)];
    return violation(NAME, 'two entries applied at one index', prose, [
      ...theirs,
      event(seen, `applied index ${index}, digest ${hex(digest)}`),
    ]);
  }

  /** Finds entries that this node has applied since its start and that were removed or replaced. */
  #onReplicate(seen: Seen, trace: TraceEvent & { type: 'Replicate' }, view: NodeView): Violation | null {
    const { first, terms, digests, truncated } = trace;
    if (first > view.applied || !view.log.has(view.applied)) return null;
    const end = first + terms.length - 1;
    for (let index = first; index <= Math.min(end, view.applied); index++) {
      if (view.log.has(index) && view.log.digestAt(index) !== digests[index - first]! >>> 0) {
        return this.#replaced(seen, index, view, 'replaced the entry');
      }
    }
    return truncated && end < view.applied ? this.#replaced(seen, end + 1, view, 'removed the entry') : null;
  }

  #replaced(seen: Seen, index: number, view: NodeView, what: string): Violation {
    const { node } = seen;
    const prose = `${node} ${what} at index ${index} of its log, which it had applied (up to ${view.applied}).`;
    return violation(NAME, 'applied entry changed', prose, [
      event({ t: this.#appliedAt.get(node) ?? seen.t, node }, `applied up to index ${view.applied}`),
      event(seen, `${what} at index ${index}`),
    ]);
  }
}
