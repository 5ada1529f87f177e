import { MAX_TIMER_MS, type Stage } from '../stage.ts';
import type { ToxicType } from './toxic.ts';

/**
 * Drops everything. After `timeout` ms without a chunk the connection is closed; with 0 it stays open as long as the
 * toxic exists. Removing the toxic closes the connection.
 */
export const timeout: ToxicType = {
  struct: 'TimeoutToxic',
  fields: { timeout: 'int64' },
  capacity: 1,
  closesOnRemoval: true,
  begin: (attributes) => {
    let timer: NodeJS.Timeout | null = null;
    const stop = (): void => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    };
    const restart = (stage: Stage): void => {
      stop();
      const ms = attributes['timeout']!;
      if (ms > 0) timer = setTimeout(() => stage.close(), Math.min(ms, MAX_TIMER_MS));
    };
    return {
      drops: true,
      begin: restart,
      take: restart,
      interrupt: stop,
      destroy: stop,
    };
  },
};
