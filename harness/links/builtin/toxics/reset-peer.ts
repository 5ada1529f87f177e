import type { Stage } from '../stage.ts';
import type { ToxicType } from './toxic.ts';

/**
 * Whatever comes first, bytes or the end, is dropped, and `timeout` ms later the connection is closed: with RST if it
 * began while the toxic was there.
 */
export const resetPeer: ToxicType = {
  struct: 'ResetToxic',
  fields: { timeout: 'int64' },
  capacity: 1,
  resets: true,
  begin: (attributes) => {
    let fired = false;
    const fire = (stage: Stage): void => {
      fired = true;
      stage.wait(attributes['timeout']!, () => stage.close());
    };
    return {
      drops: true,
      take: fire,
      end: fire,
      // What it has begun it ends, also if it is taken away meanwhile.
      interrupt: (stage) => fired && stage.close(),
    };
  },
};
