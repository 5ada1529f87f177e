import type { HarnessEvent, RunTime } from '../../event.ts';
import { letters } from '../format.ts';

/** One injection of a fault, from its confirmation to its healing. Every picture shades it. */
export interface FaultSpan {
  /** A, B, C…: its name in the pictures. */
  readonly label: string;
  readonly id: string;
  readonly verb: string;
  readonly text: string;
  readonly by: 'scenario' | 'manual' | 'cleanup';
  readonly nodes: readonly string[];
  readonly links: readonly string[];
  readonly requested: RunTime;
  /** Time of the confirmation or, if the fault failed, of the request. */
  readonly from: RunTime;
  readonly to: RunTime;
  /**
   * `healed`: it was healed at `to`. `moment`: it is a momentary fault (a reset, a restart). `open`: it was never
   * healed, and `to` is the end of the run. `failed`: it was never confirmed.
   */
  readonly end: 'healed' | 'moment' | 'open' | 'failed';
  readonly detail: string | null;
}

type FaultEvent = Extract<HarnessEvent, { type: 'fault' }>;
interface OpenFault {
  readonly span: { -readonly [K in keyof FaultSpan]: FaultSpan[K] };
  confirmed: boolean;
  closed: boolean;
}

/** Verbs that are in effect until the node is up again, even if no heal event says so. */
const TAKES_NODE_DOWN = new Set(['kill', 'stop']);

/** `events` are oldest first. The id of a healed fault may be used again (in a `repeat`); this is another span. */
export function faultSpans(events: readonly HarnessEvent[], end: RunTime): readonly FaultSpan[] {
  const drafts: OpenFault[] = [];
  const current = new Map<string, OpenFault>();
  for (const event of events) {
    if (event.type === 'life' && event.life === 'up') upAgain(drafts, event.node, event.t);
    // Only `fault` events count. A fault that the clean-up heals keeps its own id; the clean-up's own events are not
    // faults.
    if (event.type !== 'fault') continue;
    let draft = current.get(event.id);
    if (
      draft === undefined ||
      (draft.closed && (event.state === 'requested' || event.state === 'confirmed'))
    ) {
      if (event.by === 'cleanup') continue;
      draft = begun(event, end);
      current.set(event.id, draft);
      drafts.push(draft);
    }
    advance(draft, event);
  }
  return drafts
    .map(({ span }) => span)
    .sort((a, b) => a.from - b.from)
    .map((span, i) => ({ ...span, label: letters(i), to: Math.max(span.from, span.to) }));
}

function begun(event: FaultEvent, end: RunTime): OpenFault {
  const { id, verb, text, by, nodes, links, t } = event;
  const span = {
    label: '',
    id,
    verb,
    text,
    by,
    nodes,
    links,
    requested: t,
    from: t,
    to: end,
    end: 'open' as const,
    detail: null,
  };
  return { span, confirmed: false, closed: false };
}

function advance(draft: OpenFault, event: FaultEvent): void {
  const { span } = draft;
  if (event.detail !== undefined) span.detail = event.detail;
  switch (event.state) {
    case 'requested':
    case 'healing':
      return;
    case 'confirmed':
      if (draft.confirmed) return;
      draft.confirmed = true;
      span.from = event.t;
      // The selectors in this text are resolved, which may not have been so at the request.
      if (event.text !== '') span.text = event.text;
      if (event.nodes.length > 0) span.nodes = event.nodes;
      if (event.links.length > 0) span.links = event.links;
      if (!event.lasting) close(draft, event.t, 'moment');
      return;
    case 'healed':
      if (!draft.closed) close(draft, event.t, 'healed');
      return;
    case 'failed':
      // A fault whose heal failed stays open: it took effect, and its end was not seen.
      if (!draft.confirmed) close(draft, event.t, 'failed');
      return;
    default:
      event.state satisfies never;
  }
}

function close(draft: OpenFault, t: RunTime, end: FaultSpan['end']): void {
  draft.closed = true;
  draft.span.to = t;
  draft.span.end = end;
}

function upAgain(drafts: readonly OpenFault[], node: string, t: RunTime): void {
  for (const draft of drafts) {
    const { verb, nodes } = draft.span;
    const ofThisNode = TAKES_NODE_DOWN.has(verb) && nodes.length === 1 && nodes[0] === node;
    if (draft.confirmed && !draft.closed && ofThisNode) close(draft, t, 'healed');
  }
}

/** The faults that were in effect at some time of [from, to]. */
export const faultsDuring = (
  faults: readonly FaultSpan[],
  from: RunTime,
  to: RunTime,
): readonly FaultSpan[] =>
  faults.filter((fault) => fault.end !== 'failed' && fault.from <= to && fault.to >= from);
