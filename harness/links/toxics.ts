import type { LinkCondition } from '../ports/links.ts';

export type Stream = 'upstream' | 'downstream';
export const STREAMS: readonly Stream[] = ['upstream', 'downstream'];

/** A toxic as Toxiproxy's API gives and takes it. */
export interface ToxicSpec {
  readonly name: string;
  readonly type: 'latency' | 'bandwidth' | 'slicer' | 'timeout' | 'reset_peer';
  readonly stream: Stream;
  readonly toxicity: number;
  readonly attributes: Readonly<Record<string, number>>;
}

/** State of a proxy for a condition. `shaping`: toxics in the order in which the bytes pass them. */
export interface ProxyPlan {
  readonly enabled: boolean;
  readonly blackholes: readonly ToxicSpec[];
  readonly shaping: readonly ToxicSpec[];
}

/**
 * `peer`: messages go from the dialer to the peer only, so delay and rate are put on that stream once. `client`:
 * requests one way, answers back: both streams get the delay, so a round trip becomes longer by twice the delay.
 */
export type LinkKind = 'peer' | 'client';

/**
 * A reset_peer toxic that never acts (toxicity 0). Toxiproxy sets SO_LINGER 0 on a connection's sockets only if such a
 * toxic exists when the connection begins. It makes a later close send RST, not FIN.
 */
export const DORMANT_RESET: ToxicSpec = {
  name: 'reset',
  type: 'reset_peer',
  stream: 'upstream',
  toxicity: 0,
  attributes: { timeout: 0 },
};

/**
 * The toxics of a condition. Latency comes before bandwidth and slicer; after them it would count the waiting time of a
 * chunk as part of its own delay. A black hole is on both streams, so that not even an answer on the same connection
 * gets through; its place in the chain makes no difference.
 */
export function planFor(kind: LinkKind, condition: LinkCondition): ProxyPlan {
  const { cut, delay, bandwidthKBps, slice } = condition;
  const streams: readonly Stream[] = kind === 'peer' ? ['upstream'] : STREAMS;
  const shaping: ToxicSpec[] = [];
  for (const stream of streams) {
    const add = (type: ToxicSpec['type'], attributes: ToxicSpec['attributes']): void => {
      shaping.push({ name: `${type}_${stream}`, type, stream, toxicity: 1, attributes });
    };
    if (delay !== undefined) {
      add('latency', { latency: Math.round(delay.latencyMs), jitter: Math.round(delay.jitterMs) });
    }
    if (bandwidthKBps !== undefined) add('bandwidth', { rate: wholeRate(bandwidthKBps) });
    if (slice !== undefined) {
      add('slicer', {
        average_size: Math.round(slice.averageBytes),
        size_variation: Math.round(slice.variationBytes),
        delay: Math.round(slice.delayUs),
      });
    }
  }
  return {
    enabled: cut !== 'refuse',
    blackholes: cut === 'blackhole' ? STREAMS.map(blackhole) : [],
    shaping,
  };
}

export const isBlackhole = (toxic: ToxicSpec): boolean => toxic.type === 'timeout';

export function sameToxic(a: ToxicSpec, b: ToxicSpec): boolean {
  const keys = Object.keys(b.attributes);
  return (
    a.name === b.name &&
    a.type === b.type &&
    a.stream === b.stream &&
    a.toxicity === b.toxicity &&
    keys.every((key) => a.attributes[key] === b.attributes[key])
  );
}

/** Timeout 0: bytes vanish for as long as the toxic is there. */
function blackhole(stream: Stream): ToxicSpec {
  return { name: `timeout_${stream}`, type: 'timeout', stream, toxicity: 1, attributes: { timeout: 0 } };
}

/** Toxiproxy counts whole KB/s, and 0 would let no byte through: that would be a cut. */
function wholeRate(bandwidthKBps: number): number {
  return Math.max(1, Math.round(bandwidthKBps));
}
