import { linkName, type LinkCondition, type LinkId } from '../../ports/links.ts';
import { crossedBytes, roleChange, slowerOps, usedLinks } from '../fault-evidence.ts';
import { defineFault, type FaultAction, type LinkEnds } from '../fault.ts';
import { aimLinks, describeLinks, linkFields, needsLinks, strict } from '../fields.ts';
import { formatDuration } from '../../duration.ts';
import { duration } from '../quantity.ts';

/**
 * Adds latency to the traffic of links, in each direction separately. Jitter is uniform in both directions around it.
 */
export const delay = defineFault({
  verb: 'delay',
  summary: 'add latency, and jitter, to links',
  needs: ['delay'],
  lasting: true,
  schema: strict({ ...linkFields, add: duration, jitter: duration.optional() }).superRefine(needsLinks),
  aim: (spec, targets) => {
    const aimed = aimLinks(spec, targets);
    const { add, jitter = 0 } = spec;
    return shapeLinks({
      text: `delay ${describeLinks(aimed.links)} +${formatDuration(add)}${jitter > 0 ? `±${formatDuration(jitter)}` : ''}`,
      ...aimed,
      condition: { delay: { latencyMs: add, jitterMs: jitter } },
      addedMs: add,
    });
  },
});

/** A fault on links that still deliver everything: `delay`, `bandwidth` or `slice`. */
export function shapeLinks(shape: {
  readonly text: string;
  readonly links: readonly LinkId[];
  readonly nodes: readonly string[];
  readonly ends: LinkEnds;
  readonly condition: LinkCondition;
  /** Latency in ms that the fault should add to an operation; null if it is not known. */
  readonly addedMs: number | null;
}): FaultAction {
  const { text, links, nodes, ends, condition, addedMs } = shape;
  const names = links.map(linkName);
  return {
    text,
    nodes,
    links,
    ends,
    inject: ({ linkLedger }, { handle }) => linkLedger.put(handle, links, condition),
    evidence: (span) =>
      (addedMs === null ? null : slowerOps(span, addedMs)) ??
      crossedBytes(span, names) ??
      usedLinks(span, names) ??
      roleChange(span, nodes),
  };
}
