import type { Stage } from '../stage.ts';
import type { ToxicType } from './toxic.ts';

/**
 * Drops the first event, bytes or the end, and closes the connection `timeout` ms later: with RST if it began while the
 * toxic existed.
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
      // A started countdown runs to its end, even if the toxic is removed meanwhile.
      interrupt: (stage) => fired && stage.close(),
    };
  },
};
