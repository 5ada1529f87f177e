import { z } from 'zod';
import { linkName, type LinkId } from '../../ports/links.ts';
import { commitStall, droppedBytes, roleChange } from '../fault-evidence.ts';
import { defineFault, EmptyMatch, type FaultAction, type Targets } from '../fault.ts';
import { cutMode, describeLinks, selector, strict } from '../fields.ts';
import { report } from '../mistake.ts';

const SHAPES = ['isolate', 'halves', 'bridge', 'ring'] as const;

const schema = strict({
  isolate: selector.optional().meta({ description: 'cut off from all others, in both directions' }),
  halves: z
    .array(selector)
    .min(2, 'at least two groups')
    .optional()
    .meta({ description: 'groups that reach only their own members' }),
  bridge: selector.optional().meta({ description: 'two halves; only this node reaches both' }),
  ring: selector
    .optional()
    .meta({ description: 'each node reaches only its two neighbours, in the order of ids' }),
  mode: cutMode,
}).superRefine((spec, context) => {
  const given = SHAPES.filter((shape) => spec[shape] !== undefined);
  if (given.length === 1) return;
  report(context, {
    what: given.length === 0 ? 'no form of partition' : `several forms of partition: ${given.join(', ')}`,
    hint: `give one of ${SHAPES.map((shape) => `\`${shape}\``).join(', ')}`,
  });
});
type Spec = z.output<typeof schema>;

/**
 * Cuts peer links in both directions. Clients still reach every node, unless a `cut` from `clients` cuts them off too.
 */
export const partition = defineFault({
  verb: 'partition',
  summary: 'cut peer links in both directions: isolate, halves, bridge, ring',
  needs: ['cut'],
  lasting: true,
  schema,
  aim: (spec, targets) => aimCut(separated(spec, targets), spec.mode),
});

/** A fault that cuts the given links; `partition` and `cut` share it. */
export function aimCut(
  { links, nodes, ends }: Pick<FaultAction, 'links' | 'nodes' | 'ends'>,
  mode: 'blackhole' | 'refuse',
): FaultAction {
  const names = links.map(linkName);
  return {
    text: `cut ${describeLinks(links)}${mode === 'refuse' ? ' (refuse)' : ''}`,
    nodes,
    links,
    ...(ends !== undefined && { ends }),
    inject: ({ linkLedger }, { handle }) => linkLedger.put(handle, links, { cut: mode }),
    evidence: (span) => droppedBytes(span, names) ?? roleChange(span, nodes) ?? commitStall(span, nodes),
  };
}

/** The peer links to cut, and the nodes that the partition is aimed at. */
function separated(spec: Spec, targets: Targets): { links: readonly LinkId[]; nodes: readonly string[] } {
  const { nodes: chosen, sees } = shape(spec, targets);
  const links = targets.links.filter(({ from, to }) => from !== 'clients' && !sees(from, to));
  if (links.length === 0)
    throw new EmptyMatch(`this partition cuts no link of ${targets.nodes.length} nodes`);
  return { links, nodes: chosen };
}

function shape(
  spec: Spec,
  targets: Targets,
): { nodes: readonly string[]; sees: (a: string, b: string) => boolean } {
  if (spec.isolate !== undefined) {
    const isolated = new Set(targets.select(spec.isolate));
    return { nodes: [...isolated], sees: (a, b) => isolated.has(a) === isolated.has(b) };
  }
  if (spec.halves !== undefined) {
    const groups = spec.halves.map((group) => targets.select(group));
    for (const [i, group] of groups.entries()) {
      const twice = group.find((node) => groups.slice(0, i).some((earlier) => earlier.includes(node)));
      if (twice !== undefined)
        throw new EmptyMatch(`${twice} is in two of the halves; \`rest\` is every node that is in none`, [
          'halves',
          i,
        ]);
    }
    // A node in no group reaches no other node.
    return {
      nodes: groups[0]!,
      sees: (a, b) => groups.some((group) => group.includes(a) && group.includes(b)),
    };
  }
  if (spec.bridge !== undefined) {
    const bridge = targets.select(spec.bridge)[0]!;
    const others = targets.nodes.filter((node) => node !== bridge);
    const left = new Set(others.slice(0, Math.floor(others.length / 2)));
    return { nodes: [bridge], sees: (a, b) => a === bridge || b === bridge || left.has(a) === left.has(b) };
  }
  const ring = targets.select(spec.ring!);
  const apart = (a: string, b: string): number => Math.abs(ring.indexOf(a) - ring.indexOf(b));
  const inRing = (node: string): boolean => ring.includes(node);
  return {
    nodes: ring,
    sees: (a, b) => !inRing(a) || !inRing(b) || apart(a, b) === 1 || apart(a, b) === ring.length - 1,
  };
}
