import { stringify } from 'yaml';
import { formatDuration } from '../../duration.ts';
import type { Scenario } from '../language/schema.ts';
import { stepLine } from '../language/step-line.ts';

export type RecordedStep = Readonly<Record<string, unknown>>;

/**
 * `run.scenario.yaml`: what was done, as a scenario: repeats unrolled, ranges drawn, offsets and chosen nodes
 * written down, faults by
 * hand where they came. A choice (`follower`, `any`) keeps its selector beside `resolved`: a replay takes the
 * same nodes
 * where they still fit, and else chooses anew.
 */
export class Recording {
  readonly steps: RecordedStep[] = [];

  text(scenario: Scenario, seed: number): string {
    const { steps: _steps, expect, seed: _seed, name, apiVersion, ...rest } = scenario.source;
    const handles = new Set(allSteps(this.steps).map((step) => step['as']));
    const during = (expect as { readonly during?: readonly { readonly window: string }[] } | undefined)
      ?.during;
    // An interrupted run may not have come to a fault: what was expected of it can then not be told either.
    const kept = during?.filter(({ window }) => handles.has(window));
    const recorded = {
      apiVersion, name, seed, ...rest,
      ...(expect !== undefined && { expect: { ...expect, ...(kept !== undefined && { during: kept }) } }),
    }; // prettier-ignore
    const header = `# Recorded: a run of ${scenario.name} with seed ${seed}. Offsets count from the first step.\n`;
    const steps = this.steps.length === 0 ? 'steps: []\n' : `steps:\n${this.steps.map(lines).join('')}`;
    // Without anchors: the same selector twice is written twice, so that the file can be edited step by step.
    return header + stringify(recorded, { aliasDuplicateObjects: false, lineWidth: 0 }) + steps;
  }
}

/** A list entry: a step on one line, or `parallel` with a list of steps per branch. */
function lines(step: RecordedStep): string {
  const branches = step['parallel'] as readonly (readonly RecordedStep[])[] | undefined;
  if (branches === undefined) return `  - ${stepLine(step)}\n`;
  const branch = (steps: readonly RecordedStep[]): string =>
    steps.map((inner, i) => `      ${i === 0 ? '- ' : '  '}- ${stepLine(inner)}\n`).join('');
  return `  - parallel:\n${branches.map(branch).join('')}`;
}

export const offset = (ms: number): string => formatDuration(Math.round(ms));

function allSteps(steps: readonly RecordedStep[]): readonly RecordedStep[] {
  return steps.flatMap((step) => [
    step,
    ...allSteps(((step['parallel'] ?? []) as readonly RecordedStep[][]).flat()),
  ]);
}

/** A branch that was cut short may have recorded nothing: an empty branch is not a valid one. */
export function prune(sink: RecordedStep[], sinks: RecordedStep[][]): void {
  const filled = sinks.filter((branch) => branch.length > 0);
  const at = sink.findIndex((step) => step['parallel'] === sinks);
  if (filled.length === 0) sink.splice(at, 1);
  else sink[at] = { parallel: filled };
}
