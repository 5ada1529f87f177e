import { shapeLinks } from './delay.ts';
import { defineFault } from '../fault.ts';
import { aimLinks, describeLinks, linkFields, needsLinks, strict } from '../fields.ts';
import { bandwidthRate } from '../quantity.ts';

/** Limits the bandwidth of links, of each direction separately. */
export const bandwidth = defineFault({
  verb: 'bandwidth',
  summary: 'limit the bandwidth of links',
  needs: ['bandwidth'],
  lasting: true,
  schema: strict({ ...linkFields, rate: bandwidthRate }).superRefine(needsLinks),
  aim: (spec, targets) => {
    const aimed = aimLinks(spec, targets);
    const text = `bandwidth ${describeLinks(aimed.links)} ${spec.rate}KB/s`;
    return shapeLinks({ text, ...aimed, condition: { bandwidthKBps: spec.rate }, addedMs: null });
  },
});
