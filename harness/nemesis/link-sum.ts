import type { LinkCondition } from '../ports/links.ts';

/**
 * Condition of a link with several faults at once. Delays and jitters add; the strongest cut wins (`refuse` is stronger
 * than `blackhole`, because not even a connection is made); the narrowest bandwidth and the smallest slices win; pauses
 * between slices add.
 */
export function sumConditions(conditions: readonly LinkCondition[]): LinkCondition {
  const cuts = conditions.flatMap(({ cut }) => (cut === undefined ? [] : [cut]));
  const delays = conditions.flatMap(({ delay }) => (delay === undefined ? [] : [delay]));
  const widths = conditions.flatMap(({ bandwidthKBps }) =>
    bandwidthKBps === undefined ? [] : [bandwidthKBps],
  );
  const slices = conditions.flatMap(({ slice }) => (slice === undefined ? [] : [slice]));
  return {
    ...(cuts.length > 0 && { cut: cuts.includes('refuse') ? ('refuse' as const) : ('blackhole' as const) }),
    ...(delays.length > 0 && {
      delay: {
        latencyMs: delays.reduce((sum, { latencyMs }) => sum + latencyMs, 0),
        jitterMs: delays.reduce((sum, { jitterMs }) => sum + jitterMs, 0),
      },
    }),
    ...(widths.length > 0 && { bandwidthKBps: Math.min(...widths) }),
    ...(slices.length > 0 && {
      slice: {
        averageBytes: Math.min(...slices.map(({ averageBytes }) => averageBytes)),
        variationBytes: Math.min(...slices.map(({ variationBytes }) => variationBytes)),
        delayUs: slices.reduce((sum, { delayUs }) => sum + delayUs, 0),
      },
    }),
  };
}
