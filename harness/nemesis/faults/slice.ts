import { shapeLinks } from './delay.ts';
import { defineFault } from '../fault.ts';
import { aimLinks, describeLinks, linkFields, needsLinks, strict } from '../fields.ts';
import { duration, size } from '../quantity.ts';

/**
 * Splits the byte stream into small pieces with a pause between them, so that frames arrive in parts (Toxiproxy's
 * slicer).
 */
export const slice = defineFault({
  verb: 'slice',
  summary: 'deliver in small pieces with pauses between them',
  needs: ['slice'],
  lasting: true,
  schema: strict({ ...linkFields, size, vary: size.optional(), pause: duration.optional() }).superRefine(
    needsLinks,
  ),
  aim: (spec, targets) => {
    const aimed = aimLinks(spec, targets);
    return shapeLinks({
      text: `slice ${describeLinks(aimed.links)} ${spec.size}B`,
      ...aimed,
      condition: {
        slice: {
          averageBytes: spec.size,
          variationBytes: spec.vary ?? 0,
          delayUs: Math.round((spec.pause ?? 0) * 1_000),
        },
      },
      addedMs: null,
    });
  },
});
