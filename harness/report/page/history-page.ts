import type { Verdict } from '../../event.ts';
import type { KeyResult } from '../../checker/linearizable.ts';
import type { HistoryClock } from '../../history/formats/history.ts';
import type { Violation } from '../../result.ts';
import { type Clock, clipped, count, countingClock, duration, runClock } from '../format.ts';
import { type JudgedHistory, sentenceOf } from '../judged-history.ts';
import { markup, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { endOf } from '../model/bins.ts';
import { closeUp, type CloseUpModel } from './close-up.ts';
import { operationsWindow, OPERATIONS_LEGEND } from './operations.ts';
import { pageHead, section, wholePage } from './shell.ts';
import { code, num, table, td, tr } from './table.ts';

const MOST_VIOLATIONS = 12;
const MOST_KEYS = 200;
const LONGEST_KEY = 120;
/** Number of operations of the key that are drawn before and after those of the violation. */
const OPERATIONS_BEFORE = 60;
const OPERATIONS_AFTER = 30;

const VERDICTS: Readonly<Record<KeyResult['verdict'], Verdict>> = {
  linearizable: 'pass',
  violation: 'violation',
  unknown: 'inconclusive',
};

/**
 * The page of `chaos check --html`: the verdict, the keys, and each violation close up and with the operations around
 * it.
 */
export function historyPage(judged: JudgedHistory): string {
  const { result } = judged;
  const { violations } = result;
  const more = violations.length - MOST_VIOLATIONS;
  const sentence = sentenceOf(judged);
  return wholePage({
    title: sentence,
    head: pageHead({
      verdict: VERDICTS[result.verdict],
      sentence,
      below: markup`<p>${facts(judged).join(' · ')}</p>`,
    }),
    main: markup`${
      violations.length === 0
        ? nothing
        : section(
            'violations',
            violations.length === 1 ? 'The violation, close up' : 'The violations, close up',
            markup`${violations.slice(0, MOST_VIOLATIONS).map((each, i) => violationOf(each, i, judged))}
${more > 0 ? markup`<p class="aside">${more} more are in the output of <code>--json</code>.</p>` : nothing}`,
          )
    }
${section('keys', 'Keys', keyTable(result.keys))}
${section('limits', 'How it was judged', limits(judged))}`,
  });
}

function facts({ history, model, result }: JudgedHistory): readonly string[] {
  const unknown = history.ops.filter((op) => op.outcome === 'info').length;
  return [
    `${count(history.ops.length)} operations, ${count(unknown)} of them unknown`,
    `${count(result.keys.length)} keys`,
    `${history.format ?? 'empty'}, ${model}`,
    `judged in ${duration(result.tookMs)}`,
  ];
}

const CLOCKS: Readonly<Record<HistoryClock, Clock>> = {
  time: runClock,
  line: countingClock('line'),
  event: countingClock('event'),
};

function violationOf(violation: Violation, index: number, { history }: JudgedHistory): Markup {
  const clock = CLOCKS[history.clock];
  const ids = new Set([...(violation.opIds ?? []), ...(violation.linearizedIds ?? []), violation.stuckId]);
  const opsById = new Map(history.ops.flatMap((op) => (ids.has(op.id) ? [[op.id, op] as const] : [])));
  const stuck = opsById.get(violation.stuckId ?? -1);
  const violationTimes: (number | null)[] = [];
  violationTimes[index] = stuck === undefined ? null : endOf(stuck);
  const model: CloseUpModel = { faults: [], violationTimes, opsById, clock };
  return markup`${closeUp(violation, index, model)}
${stuck === undefined ? nothing : neighbours(violation, { history, clock, at: endOf(stuck) })}`;
}

/** All operations of the key around the one that fits nowhere, over time. */
function neighbours(
  { key }: Violation,
  {
    history,
    clock,
    at,
  }: { readonly history: JudgedHistory['history']; readonly clock: Clock; readonly at: number },
): Markup {
  const ofKey = history.ops.filter((op) => op.key === key);
  const behind = ofKey.findIndex((op) => op.call > at);
  const middle = behind < 0 ? ofKey.length : behind;
  const near = ofKey.slice(Math.max(0, middle - OPERATIONS_BEFORE), middle + OPERATIONS_AFTER);
  const from = near[0]!.call;
  const to = near.reduce((latest, op) => Math.max(latest, op.outcome === 'info' ? op.call : op.return), from);
  const frame = { from, to: to > from ? to : from + 1 };
  const title = `${count(near.length)} of the ${count(ofKey.length)} operations on key ${clipped(key ?? '', LONGEST_KEY)}`;
  const backdrop = { frame, faults: [], violationTimes: [at] };
  return markup`${operationsWindow({ title, frame }, near, { backdrop, clock })}
${OPERATIONS_LEGEND}`;
}

function keyTable(keys: readonly KeyResult[]): Markup {
  if (keys.length === 0) return markup`<p class="none">The history contains no operation.</p>`;
  const rank = { violation: 0, unknown: 1, linearizable: 2 } as const;
  const status = { violation: 'fail', unknown: 'unknown', linearizable: 'pass' } as const;
  const rows = keys
    .toSorted((a, b) => rank[a.verdict] - rank[b.verdict])
    .slice(0, MOST_KEYS)
    .map((key) =>
      tr(
        [
          td(key.verdict),
          code(clipped(key.key, LONGEST_KEY)),
          num(count(key.operations)),
          num(duration(key.tookMs)),
          td(key.detail),
        ],
        status[key.verdict],
      ),
    );
  const more = keys.length - rows.length;
  return markup`${table({
    className: 'expectations',
    columns: ['verdict', 'key', '#operations', '#judged in', 'detail'],
    body: markup`<tbody>${rows}</tbody>`,
  })}${more > 0 ? markup`<p class="aside">${count(more)} more keys.</p>` : nothing}`;
}

function limits({ file, history, model, casFail, limitMs, memoryMb, readMs }: JudgedHistory): Markup {
  const rows: readonly (readonly [string, string])[] = [
    ['file', file],
    ['format', history.format ?? 'empty'],
    ['model', model],
    ...(casFail === undefined ? [] : [['a failed cas means', casFail] as const]),
    [
      'time',
      history.clock === 'time'
        ? 'as recorded'
        : `the order of the ${history.clock}s: there are no usable times`,
    ],
    ['read in', duration(readMs)],
    ['limits', `${duration(limitMs)}, ${memoryMb} MB`],
    ...history.notes.map((note) => ['note', note] as const),
  ];
  return markup`<dl class="facts">${rows.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>`;
}
