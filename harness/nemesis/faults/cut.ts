import { defineFault } from '../fault.ts';
import { aimLinks, cutMode, linkFields, needsLinks, strict } from '../fields.ts';
import { aimCut } from './partition.ts';

/** Cuts links in one direction: `{from: leader, to: followers}` does not affect the other direction. */
export const cut = defineFault({
  verb: 'cut',
  summary: 'cut links in one direction: from, to',
  needs: ['cut'],
  lasting: true,
  schema: strict({ ...linkFields, mode: cutMode }).superRefine(needsLinks),
  aim: (spec, targets) => aimCut(aimLinks(spec, targets), spec.mode),
});
