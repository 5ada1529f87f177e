import { clockText, countText, percentText } from '../../output/format.ts';
import { fit, frame, lineCells, span, type Line } from '../../output/paint.ts';
import type { DashboardState } from '../state.ts';
import type { Scene, Size } from './panel.ts';

/** The number of operations so far and the findings, in a box of three lines. */
export function verdictPanel(scene: Scene, { width, height }: Size): readonly Line[] {
  const title: Line = [span(scene.state.verdict === null ? 'VERDICT SO FAR' : 'VERDICT', { bold: true })];
  return frame({ title, lines: [verdictText(scene, width - 4)], width, height, glyphs: scene.glyphs });
}

/** The same on one line, if there is no room for a box. */
export function verdictLine(scene: Scene, { width }: Size): readonly Line[] {
  return [fit([span(' '), ...verdictText(scene, width - 2)], width, scene.glyphs)];
}

function verdictText({ state, glyphs }: Scene, width: number): Line {
  const judged = judgement(state);
  const { ok, fail, info, invoked } = state.totals;
  const done = ok + fail + info;
  const okSpan = span(`  ok ${countText(ok)}`, { color: 'green' });
  const share = span(done === 0 ? '' : ` (${percentText(ok, done)})`);
  const failSpan = span(`  fail ${countText(fail)}`);
  const unknown = span(`  unknown ${countText(info)}`, info > 0 ? { color: 'yellow' } : {});
  const flight = span(`  in flight ${countText(Math.max(0, invoked - done))}`);
  const ops = span(`ops ${countText(done)}`);
  // Ordered from the longest form to the shortest.
  const wordings: readonly Line[] = [
    [ops, okSpan, share, failSpan, unknown, flight],
    [ops, okSpan, share, failSpan, unknown],
    [ops, okSpan, failSpan, unknown],
    [ops, unknown],
    [],
  ];
  // A finding matters more than the counts.
  const room = width - Math.min(lineCells(judged), Math.max(24, width - 40)) - 3;
  const counts = wordings.find((wording) => lineCells(wording) <= room) ?? [];
  const rest = width - lineCells(counts) - 3;
  return [
    ...counts,
    span(' | ', { dim: true }),
    ...(lineCells(judged) <= rest ? judged : fit(judged, Math.max(0, rest), glyphs)),
  ];
}

function judgement(state: DashboardState): Line {
  const { verdict, violations, violationCount } = state;
  const first = violations[0];
  if (verdict !== null) {
    const good = verdict.verdict === 'pass';
    return [
      span(`${good ? 'PASS' : verdict.verdict.toUpperCase()}: `, {
        bold: true,
        color: good ? 'green' : 'red',
      }),
      span(verdict.sentence),
    ];
  }
  if (first !== undefined) {
    const more = violationCount > 1 ? ` (and ${violationCount - 1} more)` : '';
    return [
      span('VIOLATION', { bold: true, color: 'red' }),
      span(` ${first.property}: ${first.text}${more}`, { color: 'red' }),
    ];
  }
  const checks = Object.entries(state.checks);
  const failed = checks.find(([, check]) => check.state === 'fail');
  if (failed !== undefined)
    return [span(`FAILED ${failed[0]}: ${failed[1].detail}`, { bold: true, color: 'red' })];
  const running = checks.find(([, check]) => check.state === 'running');
  const passed = checks.filter(([, check]) => check.state === 'pass').length;
  const to = state.judged?.to ?? state.tracedTo;
  const left = state.judged?.undecided ?? 0;
  const checked =
    (to === null ? 'nothing checked yet' : `checked to ${clockText(to, 0)}`) +
    (left === 0 ? '' : `, ${left} key${left === 1 ? '' : 's'} at the end`);
  return [
    span(`no violation, ${checked}`),
    ...(passed === 0 ? [] : [span(`, ${passed} check${passed === 1 ? '' : 's'} passed`, { color: 'green' })]),
    ...(running === undefined ? [] : [span(`, ${running[0]}: checking`, { color: 'cyan' })]),
  ];
}
