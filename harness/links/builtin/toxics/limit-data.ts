import type { ToxicType } from './toxic.ts';

/** Passes `bytes` bytes of a connection's stream, then closes it. Changes of the toxic do not reset the count. */
export const limitData: ToxicType = {
  struct: 'LimitDataToxic',
  fields: { bytes: 'int64' },
  capacity: 1,
  begin: (attributes) => {
    let passed = 0;
    return {
      take(stage, chunk) {
        const data = chunk.data.subarray(0, Math.max(0, attributes['bytes']! - passed));
        if (data.length > 0) stage.emit({ data, at: chunk.at });
        passed += data.length;
        if (passed >= attributes['bytes']!) stage.close();
      },
    };
  },
};
