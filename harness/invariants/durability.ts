import type { TraceEvent } from '../trace.ts';
import type { Violation } from '../result.ts';
import { event, hex, type NodeView, type Property, type Seen, violation } from './property.ts';

const NAME = 'durability';

interface Applied {
  readonly t: number;
  readonly index: number;
  readonly digest: number;
}

/**
 * After a restart, the log of a node must still have all entries that the node has applied (Raft figure 2, "persistent
 * state"; a node applies only entries that are durable on its own disk). Entries that were in its log but not applied
 * may be lost in a crash.
 */
export class Durability implements Property {
  readonly name = NAME;
  readonly #applied = new Map<string, Applied>();
  #applies = 0;
  #restarts = 0;

  feed(seen: Seen, view: NodeView): readonly Violation[] {
    const { t, node, trace } = seen;
    if (trace.type === 'Apply' || trace.type === 'InstallSnapshot') {
      this.#applies++;
      // A restarted node applies from the start again; the entries that it had applied before must still be there.
      const known = this.#applied.get(node)?.index ?? 0;
      if (trace.index >= known)
        this.#applied.set(node, { t, index: trace.index, digest: trace.digest >>> 0 });
    }
    return trace.type === 'Recover' ? this.#onRecover(seen, trace, view) : [];
  }

  summary(): { evidence: number; detail: string } {
    const detail = `${this.#restarts} restarts of nodes that had applied entries`;
    return {
      evidence: this.#applies,
      detail: this.#restarts === 0 ? `${detail}: nothing could be lost` : detail,
    };
  }

  wiped(node: string): void {
    this.#applied.delete(node);
  }

  #onRecover(seen: Seen, trace: TraceEvent & { type: 'Recover' }, view: NodeView): readonly Violation[] {
    const { node } = seen;
    const applied = this.#applied.get(node);
    if (applied === undefined) return [];
    this.#restarts++;
    const { first, terms, digests, snapshot } = trace;
    const last = first + terms.length - 1;
    // A snapshot contains all entries up to its index, and the log digest at this index is known.
    if (snapshot !== null && applied.index < snapshot.index) return [];
    const found = applied.index === snapshot?.index ? snapshot.digest : digests[applied.index - first];
    if (found !== undefined && found >>> 0 === applied.digest) return [];
    this.#applied.delete(node);
    const what =
      found === undefined
        ? `its log ends at index ${last}`
        : `its log has another entry at or before index ${applied.index} (digest ${hex(found)}, not ${hex(applied.digest)})`;
    const prose = `${node} had applied up to index ${applied.index}, but restarted in term ${Math.max(view.term ?? 0, trace.term)} and ${what}: what it had acknowledged was not durable.`;
    return [
      violation(NAME, 'applied entries lost in a restart', prose, [
        event({ t: applied.t, node }, `applied up to index ${applied.index}, digest ${hex(applied.digest)}`),
        event(seen, `started, and ${what}`),
      ]),
    ];
  }
}
