import type { Chunk, Stage } from '../stage.ts';
import type { ToxicType } from './toxic.ts';

/** Maximum time in ms until the next bytes leave: large chunks are split accordingly. */
const SLICE_MS = 100;

/**
 * At most `rate` KB/s (1,000 bytes each, so `rate` bytes per millisecond). Each chunk waits before it leaves. If a
 * timer fires late, the next wait is shorter by this time. With a rate of 0 no byte passes, and the sender is held
 * back.
 */
export const bandwidth: ToxicType = {
  struct: 'BandwidthToxic',
  fields: { rate: 'int64' },
  capacity: 1,
  begin: (attributes) => {
    let owedMs = 0;
    let held: Chunk | null = null;

    const send = (stage: Stage, chunk: Chunk): void => {
      held = chunk;
      const sliceBytes = Math.max(0, attributes['rate']!) * SLICE_MS;
      const started = performance.now();
      if (chunk.data.length > sliceBytes) {
        stage.wait(SLICE_MS, () => {
          owedMs -= SLICE_MS;
          if (sliceBytes > 0) stage.emit({ data: chunk.data.subarray(0, sliceBytes), at: chunk.at });
          send(stage, { data: chunk.data.subarray(sliceBytes), at: chunk.at });
        });
        return;
      }
      const leave = (): void => {
        owedMs -= performance.now() - started;
        held = null;
        stage.emit(chunk);
      };
      if (owedMs < 1) leave();
      else stage.wait(owedMs, leave);
    };

    return {
      take(stage, chunk) {
        const rate = attributes['rate']!;
        owedMs = rate <= 0 ? 0 : owedMs + chunk.data.length / rate;
        send(stage, chunk);
      },
      interrupt(stage) {
        if (held !== null) stage.emit(held);
        held = null;
        owedMs = 0;
      },
    };
  },
};
