import type { HarnessEvent } from '../event.ts';
import type { View } from '../view/model.ts';
import { eventLine, type EventLine } from './event-line.ts';
import { durationText } from './format.ts';

/**
 * The lines for an event: its own line, and one more if a time without a leader begins or ends. Often there is none.
 * `before` and `after` are the views before and after the event; `steps` is the number of steps of the scenario.
 */
export function eventLines(
  before: View,
  after: View,
  event: HarnessEvent,
  steps: number,
): readonly EventLine[] {
  if (event.type === 'trace' || event.type === 'ops') return [];
  const roles: Record<string, { role: string; term: number }> = {};
  for (const { id, status } of Object.values(before.nodes)) {
    if (status !== null) roles[id] = { role: status.role, term: status.term ?? 0 };
  }
  const was = before.leadership;
  const lines: EventLine[] = [];
  const own = eventLine(event, { steps, roles, leaderlessSince: was.gapSince });
  if (own !== null) lines.push(own);
  const { gapSince } = after.leadership;
  if (gapSince !== null && was.gapSince === null) {
    const { node, term } = was.standing ?? { node: 'a leader', term: was.term };
    const text = `no majority follows ${node} any more (term ${term})`;
    lines.push({ t: event.t, kind: 'gap', text, detail: '', level: 'warn' });
  }
  if (gapSince === null && was.gapSince !== null) {
    const text = `no leader for ${durationText(event.t - was.gapSince)}`;
    lines.push({ t: event.t, kind: 'gap', text, detail: '', level: 'good' });
  }
  return lines;
}
