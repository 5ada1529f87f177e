import { clockText } from '../../output/format.ts';
import { fit, lineCells, span, spread, type Line } from '../../output/paint.ts';
import type { DashboardState } from '../state.ts';
import type { Scene, Size } from './panel.ts';

/** The scenario, the time and the progress in one line. The right side is shortened if the terminal is narrow. */
export function header(scene: Scene, { width }: Size): readonly Line[] {
  const { state, now, glyphs } = scene;
  const run = state.run;
  const file = run === null ? 'starting' : (run.file.split('/').at(-1) ?? run.scenario);
  const seed = run === null ? '' : `  seed ${run.seed}`;
  const left: Line = [span(' chaos ', { bold: true }), span(file), span(seed)];
  const right: Line[] = [
    [
      span(`REC ${state.manual.count} manual`, state.manual.count > 0 ? { color: 'magenta' } : { dim: true }),
      span(' '),
    ],
    [span(`${stepText(state)}  `)],
    [span(`${clockText(now, 1)}  `)],
    [phaseSpan(state), span(' ')],
  ];
  const runId = run === null ? [] : [span(`  run ${run.run.split('/').at(-1) ?? run.run}`, { dim: true })];
  let shown: Line = [];
  // The phase and the time matter most, then the step, then the recording.
  for (const part of right.reverse()) {
    const next = [...shown, ...part];
    if (lineCells(next) + 12 <= width) shown = next;
  }
  const room = width - lineCells(shown);
  const whole = [...left, ...runId];
  return [
    fit(
      spread(lineCells(whole) < room ? whole : fit(left, Math.max(0, room - 1), glyphs), shown, width),
      width,
      glyphs,
    ),
  ];
}

/** `RUNNING`, `HELD`, `CHECKING`, and at the end the verdict. */
export function phaseSpan(state: DashboardState): Line[number] {
  if (state.verdict !== null) {
    const { verdict } = state.verdict;
    return span(verdict === 'pass' ? 'PASS' : verdict.toUpperCase(), {
      bold: true,
      color: verdict === 'pass' ? 'green' : 'red',
    });
  }
  if (state.held) return span('HELD', { bold: true, color: 'yellow' });
  return span(state.phase.toUpperCase(), { bold: true, color: state.phase === 'running' ? 'green' : 'cyan' });
}

export function stepText({ steps }: DashboardState): string {
  const current = steps.findLastIndex((step) => step.state !== 'waiting');
  return `step ${current + 1}/${steps.length}`;
}

/** A red line with both names. It is shown for the rest of the run, because no later event can make it untrue. */
export function twoLeadersBanner({ state, glyphs }: Scene, { width }: Size): readonly Line[] {
  const two = state.leadership.twoLeaders;
  if (two === null) return [];
  const text = ` !! TWO LEADERS IN TERM ${two.term}: ${two.nodes.join(' and ')} !! `;
  return [fit([span(text, { bold: true, inverse: true, color: 'red' })], width, glyphs)];
}
