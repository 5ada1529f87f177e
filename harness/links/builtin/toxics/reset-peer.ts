import type { Stage } from '../stage.ts';
import type { ToxicType } from './toxic.ts';

/**
 * Drops the first event (bytes, or the end) and closes the connection `timeout` ms later: with RST if the connection
 * began while the toxic existed.
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
      // A connection whose countdown has started is closed even if the toxic is removed.
      interrupt: (stage) => fired && stage.close(),
    };
  },
};
