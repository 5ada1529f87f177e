import type { ToxicType } from './toxic.ts';

/** Passes everything on. */
export const noop: ToxicType = {
  struct: 'NoopToxic',
  fields: {},
  capacity: 1,
  begin: () => ({ take: (stage, chunk) => stage.emit(chunk) }),
};
