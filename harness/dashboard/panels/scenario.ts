import { clockText, durationText } from '../../output/format.ts';
import { fit, frame, lineCells, span, spread, type Line, type Style } from '../../output/paint.ts';
import type { StepState } from '../state.ts';
import { stepText } from './header.ts';
import type { Scene, Size } from './panel.ts';

const MARKS: Readonly<Record<StepState['state'], { readonly text: string; readonly style: Style }>> = {
  waiting: { text: '    ', style: { dim: true } },
  running: { text: '>>  ', style: { bold: true, color: 'cyan' } },
  ok: { text: 'ok  ', style: { color: 'green' } },
  failed: { text: 'FAIL', style: { bold: true, color: 'red' } },
  skipped: { text: 'skip', style: { dim: true } },
};

/** The steps (the current one is always visible), and below them the live faults and the recorded manual faults. */
export function scenarioPanel(scene: Scene, { width, height }: Size): readonly Line[] {
  const { state, glyphs } = scene;
  const foot = footLines(scene);
  const room = Math.max(1, height - 2 - foot.length);
  const current = state.steps.findLastIndex((step) => step.state !== 'waiting');
  const first = Math.max(0, Math.min(current - Math.floor(room / 2), state.steps.length - room));
  const steps = state.steps.slice(first, first + room).map((step) => stepLine(step, scene, width - 4));
  const padding = Array.from({ length: Math.max(0, room - steps.length) }, (): Line => []);
  const title: Line = [
    span('SCENARIO', { bold: true }),
    span(` ${stepText(state)}${state.held ? ' HELD' : ''}`, { dim: true }),
  ];
  return frame({ title, lines: [...steps, ...padding, ...foot], width, height, glyphs });
}

function stepLine(step: StepState, { now, glyphs }: Scene, width: number): Line {
  const mark = MARKS[step.state];
  const when = step.startedAt === null ? '       ' : clockText(step.startedAt, 1);
  const lasted = step.startedAt === null ? '' : durationText((step.endedAt ?? now) - step.startedAt);
  const right: Line = [span(lasted, { dim: true })];
  const detail = step.state === 'waiting' || step.detail === '' ? '' : `  ${step.detail}`;
  const left: Line = [
    span(`${mark.text} `, mark.style),
    span(`${when}  `, { dim: true }),
    span(
      step.text,
      step.state === 'running' ? { bold: true } : step.state === 'waiting' ? { dim: true } : {},
    ),
    span(detail, step.state === 'failed' ? { color: 'red' } : { dim: true }),
  ];
  const room = width - lineCells(right) - 1;
  return spread(lineCells(left) <= room ? left : fit(left, room, glyphs), right, width);
}

function footLines({ state, now }: Scene): Line[] {
  const lines: Line[] = [];
  if (state.faults.length > 0) {
    const live = state.faults.map(
      (fault) => `${fault.text}${fault.confirmed ? '' : '?'} ${durationText(now - fault.since)}`,
    );
    lines.push([span('live ', { color: 'yellow' }), span(live.join(', '))]);
  }
  const { count, last } = state.manual;
  if (count > 0)
    lines.push([
      span(`recorded: ${count} manual fault${count === 1 ? '' : 's'}`, { color: 'magenta' }),
      span(`, last: ${last ?? ''}`),
    ]);
  return lines;
}
