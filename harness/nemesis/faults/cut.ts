import { defineFault } from '../fault.ts';
import { aimLinks, cutMode, linkFields, needsLinks, strict } from '../fields.ts';
import { aimCut } from './partition.ts';

/** One way by itself: `{from: leader, to: followers}` leaves the other direction flowing. */
export const cut = defineFault({
  verb: 'cut',
  summary: 'cut links one way: from, to',
  needs: ['cut'],
  lasting: true,
  schema: strict({ ...linkFields, mode: cutMode }).superRefine(needsLinks),
  aim: (spec, targets) => aimCut(aimLinks(spec, targets), spec.mode),
});
