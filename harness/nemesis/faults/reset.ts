import { linkName } from '../../ports/links.ts';
import { crossedBytes, roleChange, usedLinks } from '../fault-evidence.ts';
import { defineFault } from '../fault.ts';
import { aimLinks, describeLinks, linkFields, needsLinks, strict } from '../fields.ts';

/** Closes every open connection of the links with RST, once. New connections are accepted. */
export const reset = defineFault({
  verb: 'reset',
  summary: 'close open connections with RST, once',
  needs: ['reset'],
  lasting: false,
  schema: strict(linkFields).superRefine(needsLinks),
  aim: (spec, targets) => {
    const { links, nodes, ends } = aimLinks(spec, targets);
    const names = links.map(linkName);
    return {
      text: `reset ${describeLinks(links)}`,
      nodes,
      links,
      ends,
      inject: async (world) => {
        await Promise.all(links.map((link) => world.links.reset(link)));
      },
      // The server counts the bytes of a connection when it closes, so new bytes show that connections were closed.
      evidence: (span) => crossedBytes(span, names) ?? roleChange(span, nodes) ?? usedLinks(span, names),
    };
  },
});
