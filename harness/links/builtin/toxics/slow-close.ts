import type { ToxicType } from './toxic.ts';

/** Passes everything on, but delays the end of the stream by `delay` ms. */
export const slowClose: ToxicType = {
  struct: 'SlowCloseToxic',
  fields: { delay: 'int64' },
  capacity: 1,
  begin: (attributes) => ({
    take: (stage, chunk) => stage.emit(chunk),
    end: (stage) => stage.wait(attributes['delay']!, () => stage.close()),
  }),
};
