import { count, duration, latency } from '../format.ts';
import { markup, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import type { ReportModel } from '../model/model.ts';
import { NEIGHBOURHOOD_MS } from '../model/phases.ts';
import type { FaultPhases, PhaseStats } from '../model/phases.ts';
import { num, table, td, tr } from './table.ts';

const MOST_FAULTS = 100;

/**
 * Before, during and after each fault. The p99.9 of fewer than a thousand operations is their maximum, so it is shown
 * faint.
 */
export function phaseTable({ byFault }: ReportModel): Markup {
  const seen = byFault.filter(({ phases }) => phases.some((p) => p.ok + p.fail + p.info > 0));
  if (seen.length === 0) return markup`<p class="none">No operation was invoked around a fault.</p>`;
  const columns = [
    '',
    'phase',
    '#length',
    '#ops',
    '#ok',
    '#failed',
    '#unknown',
    '#ok/s',
    '#p50',
    '#p99',
    '#p99.9',
    '#max',
  ];
  return markup`${table({ className: 'phases', columns, body: seen.slice(0, MOST_FAULTS).map(group) })}
<p class="aside">Operations by the moment of their invocation; latencies are of the ok ones.
Before and after: up to ${duration(NEIGHBOURHOOD_MS)} beside the fault.
Faint: too few operations for that quantile, so it is their maximum.
${seen.length > MOST_FAULTS ? `The first ${MOST_FAULTS} faults of ${seen.length}; result.json has all.` : ''}</p>`;
}

function group({ fault, phases }: FaultPhases): Markup {
  const rows = phases.map((p, i) => {
    const head =
      i > 0
        ? nothing
        : markup`<th scope="rowgroup" rowspan="${phases.length}" title="${fault.text}">${fault.label}</th>`;
    const seconds = (p.to - p.from) / 1000;
    const cells = [
      head,
      td(p.phase === 'during' ? `during ${fault.text}` : p.phase),
      num(duration(p.to - p.from)),
      num(count(p.ok + p.fail + p.info)),
      num(count(p.ok)),
      num(count(p.fail)),
      num(count(p.info)),
      num(count(p.ok / seconds)),
      num(latency(p.p50)),
      quantile(p, p.p99, 100),
      quantile(p, p.p999, 1000),
      num(latency(p.max)),
    ];
    return tr(cells, p.phase);
  });
  return markup`<tbody>${rows}</tbody>`;
}

const quantile = (p: PhaseStats, ms: number | null, needed: number): Markup =>
  p.ok < needed ? markup`<td class="n faint">${latency(ms)}</td>` : num(latency(ms));
