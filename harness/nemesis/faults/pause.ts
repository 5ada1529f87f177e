import { defineFault } from '../fault.ts';
import { nodeSpec } from '../fields.ts';
import { duration } from '../quantity.ts';

/**
 * SIGSTOP: the process stops and cannot notice it. Healing is SIGCONT, after which the process acts as if no time had
 * passed.
 */
export const pause = defineFault({
  verb: 'pause',
  summary: 'pause node processes (SIGSTOP)',
  needs: ['pause'],
  lasting: true,
  schema: nodeSpec({ 'resume-after': duration.optional() }),
  lifetimeMs: (spec) => ('resume-after' in spec ? (spec['resume-after'] ?? null) : null),
  aim: (spec, { select }) => {
    const nodes = select(spec.node);
    return {
      text: `pause ${nodes.join(' ')}`,
      nodes,
      links: [],
      inject: async ({ cluster, nodeLedger }, { handle }) => {
        await Promise.all(
          nodes.map((node) =>
            nodeLedger.hold(handle, node, 'paused', async () => {
              if (cluster.view(node).life === 'up') await cluster.pause(node);
            }),
          ),
        );
      },
      evidence: ({ before, during }) => {
        const paused = nodes.filter(
          (node) => during.nodes.get(node)!.life === 'paused' && before.nodes.get(node)!.life === 'up',
        );
        return paused.length === 0
          ? null
          : `${paused.map((node) => `${node} (pid ${during.nodes.get(node)!.pid})`).join(', ')} paused (state T)`;
      },
    };
  },
});
