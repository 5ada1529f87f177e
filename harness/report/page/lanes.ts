import { duration, moment, plural } from '../format.ts';
import { markup, joined, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import type { LinkLane, LinkState } from '../model/link-states.ts';
import type { ReportModel } from '../model/model.ts';
import { leadership } from '../model/roles.ts';
import type { NodeLane, LaneState, RoleSpan } from '../model/roles.ts';
import { x } from './axis.ts';
import type { Frame } from './axis.ts';
import { band, row, timeAxis } from './figure.ts';
import type { Backdrop } from './figure.ts';

const ROLE_HEIGHT = 26;
const LINK_HEIGHT = 16;
/** Maximum number of bands in one group of lanes. More bands than pixels show nothing more, but make the page large. */
const MOST_BANDS = 6_000;
const mostPerLane = (lanes: readonly unknown[]): number => Math.floor(MOST_BANDS / Math.max(4, lanes.length));

const LETTER: Readonly<Record<LaneState, string>> = {
  leader: 'L',
  candidate: 'C',
  'pre-candidate': 'P',
  follower: 'F',
  starting: '…',
  stopping: '…',
  paused: 'Z',
  down: '✕',
};

/** The leader, and the role and term of each node. Letters and patterns show the same as the colours. */
export function roleLanes(model: ReportModel, backdrop: Backdrop): Markup {
  const thin = lanesThinned(model) ? 'The shortest bands are left out; events.jsonl has all of them.' : '';
  const nodes = model.lanes.map((lane) => nodeLane(lane, backdrop, mostPerLane(model.lanes)));
  return markup`<div class="chart">
${leaderLane(model, backdrop)}${nodes}${timeAxis(backdrop.frame)}
</div>
<p class="legend"><i class="key leader">L</i>leader <i class="key candidate">C</i>candidate
<i class="key pre-candidate">P</i>pre-candidate <i class="key follower">F</i>follower <i class="key paused">Z</i>paused
<i class="key down">✕</i>down <i class="key gap"></i>no leader
<span class="aside">The figure after the letter is the term. ${thin}</span></p>`;
}

function leaderLane({ lanes, result }: ReportModel, backdrop: Backdrop): Markup {
  const { frame } = backdrop;
  const place = { frame, y: 4, height: 18 };
  const reigns = leadership(lanes).map((reign) =>
    band({
      ...place,
      ...reign,
      className: 'reign',
      text: `${reign.node} · ${reign.term ?? '?'}`,
      title: `${reign.node} leads, term ${reign.term ?? '?'}`,
    }),
  );
  const gaps = result.leaderGaps.map((gap) =>
    band({ ...place, ...gap, className: 'gap', text: duration(gap.to - gap.from), title: 'no leader' }),
  );
  return row({
    backdrop,
    height: ROLE_HEIGHT,
    lettered: false,
    title: 'Who leads over time',
    description: `${plural(reigns.length, 'reign')}; ${plural(gaps.length, 'gap')} without a leader: see the tables.`,
    labels: [{ at: ROLE_HEIGHT / 2, label: 'leads' }],
    body: joined([...reigns, ...gaps]),
  });
}

function nodeLane({ node, spans, crashes }: NodeLane, backdrop: Backdrop, most: number): Markup {
  const { frame } = backdrop;
  const bands = thinned(spans, frame, most).map((span) => {
    const term = span.term === null ? '' : ` ${span.term}`;
    return band({
      frame,
      ...span,
      y: 4,
      height: 18,
      className: span.state,
      text: `${LETTER[span.state]}${term}`,
      title: `${node} ${span.state}${span.term === null ? '' : `, term ${span.term}`}`,
    });
  });
  const died = crashes.map(
    ({ t, text }) =>
      markup`<text class="crash" x="${x(frame, t)}" y="18" text-anchor="middle">✸
<title>${node} ended by itself at ${moment(t)}: ${text}</title></text>`,
  );
  return row({
    backdrop,
    height: ROLE_HEIGHT,
    title: `${node}: role and term over time`,
    description: inWords(spans),
    labels: [{ at: ROLE_HEIGHT / 2, label: node }],
    body: joined([...bands, ...died]),
  });
}

function inWords(spans: readonly RoleSpan[]): string {
  const shown = spans
    .slice(0, 24)
    .map((s) => `${s.state}${s.term === null ? '' : ` in term ${s.term}`} from ${moment(s.from)}`);
  return `${shown.join('; ')}${spans.length > 24 ? `; and ${spans.length - 24} more` : ''}.`;
}

/** One lane per directed link that was not clean at some time; the other links are only named. */
export function linkLanesPicture({ links }: ReportModel, backdrop: Backdrop): Markup {
  const touched = links.filter((lane) => lane.spans.length > 0 || lane.resets.length > 0);
  const clean = links.filter((lane) => !touched.includes(lane)).map((lane) => lane.link);
  const rest =
    clean.length === 0
      ? nothing
      : markup`<p class="aside">Clean throughout: ${clean.join(', ').replaceAll('->', '→')}.</p>`;
  if (touched.length === 0)
    return markup`<p class="none">
Every link was clean throughout: ${plural(links.length, 'directed link')}.
</p>`;
  return markup`<div class="chart links">
${touched.map((lane) => linkLane(lane, backdrop, mostPerLane(touched)))} ${timeAxis(backdrop.frame)}
</div>
<p class="legend">
<i class="key cut"></i>cut (bytes vanish) <i class="key refused"></i>refused
<i class="key delayed"></i>delayed <i class="key limited"></i>slowed <i class="key reset">↯</i>reset
<span class="aside">As Toxiproxy confirmed it. A link is one direction.</span>
</p>
${rest}`;
}

function linkLane({ link, spans, resets }: LinkLane, backdrop: Backdrop, most: number): Markup {
  const { frame } = backdrop;
  const kept = thinned(spans, frame, most);
  const bands = kept.map((span) =>
    band({
      frame,
      ...span,
      y: 2,
      height: 12,
      className: span.state satisfies LinkState,
      text: span.text,
      title: `${link} ${span.text}`,
    }),
  );
  const torn = resets.slice(0, most).map(
    (t) =>
      markup`<text class="reset" x="${x(frame, t)}" y="13" text-anchor="middle">↯
<title>${link} reset at ${moment(t)}</title></text>`,
  );
  const wire = markup`<line class="wire" x1="0" x2="100%" y1="8" y2="8"/>`;
  return row({
    backdrop,
    height: LINK_HEIGHT,
    title: `Link ${link} over time`,
    description:
      spans.length === 0
        ? 'Clean.'
        : `${spans
            .slice(0, 24)
            .map((s) => `${s.text} ${moment(s.from)} to ${moment(s.to)}`)
            .join('; ')}.`,
    labels: [{ at: LINK_HEIGHT / 2, label: link.replace('->', ' → ') }],
    body: joined([wire, ...bands, ...torn]),
  });
}

/** Above the limit, only the longest are kept. */
function thinned<T extends { readonly from: number; readonly to: number }>(
  spans: readonly T[],
  frame: Frame,
  most: number,
): readonly T[] {
  const inside = spans.filter((s) => s.to >= frame.from && s.from <= frame.to);
  if (inside.length <= most) return inside;
  const kept = new Set(inside.toSorted((a, b) => b.to - b.from - (a.to - a.from)).slice(0, most));
  return inside.filter((span) => kept.has(span));
}

/** True if a lane had to leave out bands; the page mentions it. */
const lanesThinned = ({ lanes, links }: ReportModel): boolean =>
  lanes.some((lane) => lane.spans.length > mostPerLane(lanes)) ||
  links.some((lane) => Math.max(lane.spans.length, lane.resets.length) > mostPerLane(links));
