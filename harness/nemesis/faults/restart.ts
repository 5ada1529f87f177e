import { defineFault, type World } from '../fault.ts';
import { nodeSpec } from '../fields.ts';

/** Starts nodes that are down, and stops and starts those that run. Ends every fault that keeps them down. */
export const restart = defineFault({
  verb: 'restart',
  summary: 'start nodes that are down; stop and start those that run',
  needs: ['stop'],
  lasting: false,
  schema: nodeSpec({}),
  aim: (spec, { select }) => {
    const nodes = select(spec.node);
    return {
      text: `restart ${nodes.join(' ')}`,
      nodes,
      links: [],
      inject: async (world) => {
        await Promise.all(nodes.map((node) => restartNode(world, node)));
      },
      evidence: ({ before, after }) => {
        const fresh = nodes.filter((node) => after.nodes.get(node)!.starts > before.nodes.get(node)!.starts);
        return fresh.length === 0
          ? null
          : fresh.map((node) => `${node} runs as pid ${after.nodes.get(node)!.pid}`).join(', ');
      },
    };
  },
});

async function restartNode({ cluster, nodeLedger }: World, node: string): Promise<void> {
  if (cluster.view(node).life === 'paused') await nodeLedger.release(node, 'paused');
  if (cluster.view(node).life === 'up') await nodeLedger.inTurn(node, () => cluster.stop(node));
  await nodeLedger.release(node, 'down');
}

/** Resumes paused nodes and ends every fault that keeps them paused. */
export const resume = defineFault({
  verb: 'resume',
  summary: 'resume paused node processes (SIGCONT)',
  needs: ['pause'],
  lasting: false,
  schema: nodeSpec({}),
  aim: (spec, { select }) => {
    const nodes = select(spec.node);
    return {
      text: `resume ${nodes.join(' ')}`,
      nodes,
      links: [],
      inject: async ({ nodeLedger }) => {
        await Promise.all(nodes.map((node) => nodeLedger.release(node, 'paused')));
      },
      evidence: ({ before, after }) => {
        const resumed = nodes.filter(
          (node) => before.nodes.get(node)!.life === 'paused' && after.nodes.get(node)!.life === 'up',
        );
        return resumed.length === 0 ? null : `${resumed.join(', ')} runs again`;
      },
    };
  },
});
