import { linkName } from '../../ports/links.ts';
import { commitStall, droppedBytes, roleChange } from '../fault-evidence.ts';
import { defineFault, type FaultAction, type InjectContext, type World } from '../fault.ts';
import { aimLinks, cutMode, describeLinks, linkFields, needsLinks, strict } from '../fields.ts';
import { formatDuration } from '../../duration.ts';
import { mistaken } from '../mistake.ts';
import { duration } from '../quantity.ts';

/** Without this minimum the links would be changed as fast as the server answers. */
const phase = duration.refine(
  (ms) => ms >= 1,
  mistaken({ what: 'shorter than 1ms', hint: 'a `cut` stays down' }),
);

/** Cuts and restores links again and again until healed. Starts with a cut. */
export const flap = defineFault({
  verb: 'flap',
  summary: 'cut and restore links again and again',
  needs: ['cut'],
  lasting: true,
  schema: strict({ ...linkFields, down: phase, up: phase, mode: cutMode }).superRefine(needsLinks),
  aim: (spec, targets): FaultAction => {
    const { links, nodes, ends } = aimLinks(spec, targets);
    const names = links.map(linkName);
    let flapping: Promise<void> = Promise.resolve();
    /** Runs until healed. The step waits for the first cut only; the others follow while the next steps run. */
    const keepFlapping = async (
      { linkLedger, clock }: World,
      { handle, signal }: InjectContext,
    ): Promise<void> => {
      while (!signal.aborted) {
        await clock.sleep(spec.down, signal);
        await linkLedger.lift(handle);
        await clock.sleep(spec.up, signal);
        await linkLedger.put(handle, links, { cut: spec.mode });
      }
    };
    return {
      text: `flap ${describeLinks(links)} down ${formatDuration(spec.down)} up ${formatDuration(spec.up)}`,
      nodes,
      links,
      ends,
      inject: async (world, context) => {
        await world.linkLedger.put(context.handle, links, { cut: spec.mode });
        flapping = keepFlapping(world, context).catch((error: unknown) => {
          if (!context.signal.aborted) throw error;
        });
        // The healing reports a failure; this handler keeps the rejection from being unhandled before that.
        flapping.catch(() => undefined);
      },
      heal: () => flapping,
      evidence: (span) => droppedBytes(span, names) ?? roleChange(span, nodes) ?? commitStall(span, nodes),
    };
  },
});
