import type { Chunk } from '../stage.ts';
import type { ToxicType } from './toxic.ts';

/** Waits that are shorter than this are skipped, in ms: a timer takes at least 1 ms, so no wait is more exact. */
const TIMER_GRAIN_MS = 0.5;

/**
 * Each chunk leaves `latency` ± `jitter` ms after its arrival; chunks that arrive close together leave close together,
 * in order. Up to 1,024 chunks wait; then the sender is held back. When the toxic is changed or removed, the waiting
 * chunk leaves at once.
 */
export const latency: ToxicType = {
  struct: 'LatencyToxic',
  fields: { latency: 'int64', jitter: 'int64' },
  capacity: 1_024,
  begin: (attributes) => {
    let held: Chunk | null = null;
    return {
      take(stage, chunk) {
        const { latency, jitter } = attributes as { latency: number; jitter: number };
        const delay = latency + (jitter > 0 ? Math.floor(Math.random() * jitter * 2) - jitter : 0);
        const leaves = { data: chunk.data, at: chunk.at + delay };
        const sleep = leaves.at - performance.now();
        if (sleep < TIMER_GRAIN_MS) {
          stage.emit(leaves);
          return;
        }
        held = chunk;
        stage.wait(sleep, () => {
          held = null;
          stage.emit(leaves);
        });
      },
      interrupt(stage) {
        if (held !== null) stage.emit(held);
        held = null;
      },
    };
  },
};
