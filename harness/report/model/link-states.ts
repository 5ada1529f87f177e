import type { HarnessEvent, RunTime } from '../../event.ts';
import type { FaultSpan } from './faults.ts';

export type LinkState = 'cut' | 'refused' | 'delayed' | 'limited';

/** A span of time in which the link was not clean, as confirmed by Toxiproxy. */
export interface LinkSpan {
  readonly from: RunTime;
  readonly to: RunTime;
  readonly state: LinkState;
  readonly text: string;
}

export interface LinkLane {
  /** `n1->n2`, `clients->n1`. */
  readonly link: string;
  readonly spans: readonly LinkSpan[];
  /** Times at which its connections were closed with RST. */
  readonly resets: readonly RunTime[];
}

type LinkEvent = Extract<HarnessEvent, { type: 'link' }>;

/**
 * Every directed link of the cluster: first those between peers, then those of the clients. `events` are oldest first.
 */
export function linkLanes(
  nodes: readonly string[],
  events: readonly HarnessEvent[],
  faults: readonly FaultSpan[],
  end: RunTime,
): readonly LinkLane[] {
  const peers = nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => `${from}->${to}`));
  const lanes = new Map<
    string,
    { spans: LinkSpan[]; open: Omit<LinkSpan, 'to'> | null; resets: RunTime[] }
  >();
  for (const link of [...peers, ...nodes.map((to) => `clients->${to}`)])
    lanes.set(link, { spans: [], open: null, resets: [] });
  for (const event of events) {
    // A pending event is only a request; the lanes show confirmed states.
    if (event.type !== 'link' || event.pending) continue;
    const lane = lanes.get(event.link) ?? { spans: [], open: null, resets: [] };
    lanes.set(event.link, lane);
    const condition = conditionOf(event);
    if (lane.open !== null && condition !== null && lane.open.text === condition.text) continue;
    if (lane.open !== null && event.t > lane.open.from) lane.spans.push({ ...lane.open, to: event.t });
    lane.open = condition === null ? null : { ...condition, from: event.t };
  }
  for (const fault of faults) {
    if (fault.verb !== 'reset' || fault.end === 'failed') continue;
    for (const link of fault.links) lanes.get(link)?.resets.push(fault.from);
  }
  return [...lanes].map(([link, { spans, open, resets }]) => ({
    link,
    resets,
    spans: open !== null && end > open.from ? [...spans, { ...open, to: end }] : spans,
  }));
}

/** The most severe condition is the state; the text has all conditions. */
function conditionOf(event: LinkEvent): { readonly state: LinkState; readonly text: string } | null {
  const words: string[] = [];
  if (event.cut === 'blackhole') words.push('cut');
  if (event.cut === 'refuse') words.push('refused');
  if (event.delay !== undefined) words.push(`+${event.delay.latencyMs}±${event.delay.jitterMs} ms`);
  if (event.bandwidthKBps !== undefined) words.push(`${event.bandwidthKBps} KB/s`);
  if (event.slice === true) words.push('sliced');
  if (words.length === 0) return null;
  const state =
    event.cut === 'blackhole'
      ? 'cut'
      : event.cut === 'refuse'
        ? 'refused'
        : event.delay === undefined
          ? 'limited'
          : 'delayed';
  return { state, text: words.join(' ') };
}
