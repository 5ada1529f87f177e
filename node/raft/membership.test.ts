import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { encodeConfiguration, founding } from './configuration.ts';
import { Membership } from './membership.ts';
import { entry } from './testing/server.ts';
import { logIndex, nodeId } from './types.ts';

test('(§6) the configuration in force is the latest one in the log after any appends, truncations and compactions', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ config: fc.boolean() }) },
    fc.record({ keep: fc.double({ min: 0, max: 0.999, noNaN: true }) }),
    fc.record({ drop: fc.double({ min: 0, max: 0.999, noNaN: true }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const named = (index: number): ReturnType<typeof founding> => founding([nodeId(`n${index}`)]);
      const membership = new Membership({ index: logIndex(0), configuration: named(0) });
      /** For each index, the index of the configuration in force there. */
      const inForce = [0];
      let base = 0;
      for (const step of steps) {
        if ('config' in step) {
          const index = inForce.length;
          inForce.push(step.config ? index : inForce.at(-1)!);
          const data = encodeConfiguration(named(index));
          if (step.config) membership.append({ ...entry(index, 1), kind: 'config', data });
        } else if ('keep' in step && inForce.length - 1 > base) {
          const from = base + 1 + Math.floor(step.keep * (inForce.length - 1 - base));
          const changes = inForce.at(-1)! >= from;
          inForce.length = from;
          if (membership.truncateFrom(logIndex(from)) !== changes) throw new Error(`truncate from ${from}`);
        } else if ('drop' in step) {
          base += Math.floor(step.drop * (inForce.length - base));
          membership.compactTo(logIndex(base));
        }
        expect([membership.index, membership.current]).toEqual([inForce.at(-1), named(inForce.at(-1)!)]);
        for (let index = base; index < inForce.length; index++)
          expect(membership.at(logIndex(index))).toEqual(named(inForce[index]!));
      }
    }),
  );
});
