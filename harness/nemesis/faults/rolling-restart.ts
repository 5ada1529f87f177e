import { z } from 'zod';
import { defineFault, type World } from '../fault.ts';
import { selector, strict } from '../fields.ts';
import { stoppedMs } from '../../stall.ts';
import { duration } from '../quantity.ts';

const schema = strict({
  node: selector.optional().meta({ description: 'nodes to restart, in the order of ids; all by default' }),
  mode: z.enum(['stop', 'kill']).default('stop'),
  down: duration.optional().meta({ description: 'time that each node stays down; 0ms by default' }),
  within: duration.meta({ description: 'time limit for a node to come back and catch up' }),
});

/** Time between two checks of a restarted node's progress, in ms. */
const LOOK_MS = 50;

/**
 * Restarts one node after another, each only after the previous one has caught up. The run fails if a node does not
 * catch up in time.
 */
export const rollingRestart = defineFault({
  verb: 'rolling-restart',
  summary: 'restart nodes one after another, each after the previous one has caught up',
  needs: ({ mode }) => [mode],
  lasting: false,
  schema,
  aim: (spec, { nodes: all, select }) => {
    const nodes = spec.node === undefined ? all : select(spec.node);
    const { mode, down = 0, within } = spec;
    return {
      text: `rolling restart of ${nodes.join(' ')} (${mode})`,
      nodes,
      links: [],
      inject: async (world, { handle, signal, inEffect }) => {
        for (const node of nodes) {
          await world.nodeLedger.hold(handle, node, 'down', () => world.cluster[mode](node));
          inEffect();
          await world.clock.sleep(down, signal);
          await world.nodeLedger.lift(handle);
          await caughtUp(world, node, within, signal);
        }
      },
      evidence: ({ before, after }) => {
        const fresh = nodes.filter((node) => after.nodes.get(node)!.starts > before.nodes.get(node)!.starts);
        return fresh.length < nodes.length ? null : `${fresh.join(', ')} run as new processes`;
      },
    };
  },
});

/**
 * Thrown if a restarted node did not catch up in time, which is a failed expectation and not an error of the harness.
 */
export class TooSlow extends Error {
  override readonly name = 'TooSlow';
}

async function caughtUp(
  { state, clock }: World,
  node: string,
  withinMs: number,
  signal: AbortSignal,
): Promise<void> {
  const target = state.maxCommit;
  const from = clock.now();
  for (;;) {
    const seen = state.converged(target);
    if (seen.ok) return;
    if (clock.now() - from - stoppedMs(clock.stalls(), from) >= withinMs)
      throw new TooSlow(`${node} did not catch up within ${withinMs} ms after its restart: ${seen.detail}`);
    await clock.sleep(LOOK_MS, signal);
  }
}
