import type { z } from 'zod';
import type { FaultSnapshots } from '../fault-evidence.ts';
import { defineFault, type FaultAction } from '../fault.ts';
import { nodeSpec } from '../fields.ts';
import { duration } from '../quantity.ts';

const schema = nodeSpec({ 'restart-after': duration.optional() });
const lifetimeMs = (spec: z.output<typeof schema>): number | null =>
  'restart-after' in spec ? (spec['restart-after'] ?? null) : null;

/** SIGKILL: data that was not on disk is lost. Healing starts the node again, with its data. */
export const kill = defineFault({
  verb: 'kill',
  summary: 'kill node processes (SIGKILL)',
  needs: ['kill'],
  lasting: true,
  schema,
  lifetimeMs,
  aim: (spec, { select }) => takeDown('kill', select(spec.node)),
});

/** SIGTERM: the node can finish its work first. Healing starts it again. */
export const stop = defineFault({
  verb: 'stop',
  summary: 'stop node processes cleanly (SIGTERM)',
  needs: ['stop'],
  lasting: true,
  schema,
  lifetimeMs,
  aim: (spec, { select }) => takeDown('stop', select(spec.node)),
});

function takeDown(verb: 'kill' | 'stop', nodes: readonly string[]): FaultAction {
  return {
    text: `${verb} ${nodes.join(' ')}`,
    nodes,
    links: [],
    inject: async ({ cluster, nodeLedger }, { handle }) => {
      await Promise.all(
        nodes.map((node) =>
          nodeLedger.hold(handle, node, 'down', async () => {
            if (cluster.view(node).life !== 'down') await cluster[verb](node);
          }),
        ),
      );
    },
    evidence: (span) => goneProcesses(span, nodes),
  };
}

/** Names the processes that ran before the fault and do not run any more. */
function goneProcesses({ before, during }: FaultSnapshots, nodes: readonly string[]): string | null {
  const gone = nodes.filter((node) => {
    const was = before.nodes.get(node)!.pid;
    return was !== null && during.nodes.get(node)!.pid !== was;
  });
  return gone.length === 0
    ? null
    : gone.map((node) => `${node}'s pid ${before.nodes.get(node)!.pid} is gone`).join(', ');
}
