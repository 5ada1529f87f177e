import { stringify } from 'yaml';
import { formatDuration } from '../../duration.ts';
import type { Scenario } from '../language/schema.ts';
import { stepLine } from '../language/step-line.ts';

export type RecordedStep = Readonly<Record<string, unknown>>;

/**
 * Records a run as a scenario, `run.scenario.yaml`: repeats are unrolled where their rounds differ, and drawn
 * durations, offsets, chosen nodes and manual faults are written down. A step keeps its selector (`follower`, `any`)
 * together with the nodes in `resolved`: a replay takes the same nodes if they still match, and chooses again if not.
 */
export class Recording {
  readonly steps: RecordedStep[] = [];

  text(scenario: Scenario, seed: number): string {
    const { steps: _steps, expect, seed: _seed, name, apiVersion, ...rest } = scenario.source;
    const handles = new Set(allSteps(this.steps).map((step) => step['as']));
    const during = (expect as { readonly during?: readonly { readonly window: string }[] } | undefined)
      ?.during;
    // An interrupted run may have ended before a fault of the scenario. Expectations on that fault would be a mistake
    // in the recorded file.
    const kept = during?.filter(({ window }) => handles.has(window));
    const head = { apiVersion, name, seed, ...rest };
    const steps = this.steps.length === 0 ? 'steps: []\n' : `steps:\n${this.steps.map(lines).join('')}`;
    const tail =
      expect === undefined
        ? ''
        : yaml({ expect: { ...expect, ...(kept !== undefined && { during: kept }) } });
    const comment = `# Recorded: a run of ${scenario.name} with seed ${seed}. Offsets count from the first step.\n`;
    return comment + yaml(head) + steps + tail;
  }
}

/** Without YAML anchors, so that each part of the file can be edited alone. */
const yaml = (value: unknown): string => stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });

/** A list entry: a step on one line, or `parallel` with a list of steps per branch. */
function lines(step: RecordedStep): string {
  const branches = step['parallel'] as readonly (readonly RecordedStep[])[] | undefined;
  if (branches === undefined) return `  - ${stepLine(step)}\n`;
  const branch = (steps: readonly RecordedStep[]): string =>
    steps.map((inner, i) => `      ${i === 0 ? '- ' : '  '}- ${stepLine(inner)}\n`).join('');
  return `  - parallel:\n${branches.map(branch).join('')}`;
}

/**
 * Records the rounds of a `repeat`. Rounds that were exactly the same (without faults, which have offsets of their own)
 * are one `repeat`, the others are unrolled.
 */
export class Rounds {
  readonly #groups: { readonly text: string; readonly steps: readonly RecordedStep[]; times: number }[] = [];

  add(steps: readonly RecordedStep[]): void {
    if (steps.length === 0) return;
    const text = steps.map(stepLine).join('\n');
    const last = this.#groups.at(-1);
    if (last?.text === text) last.times++;
    else this.#groups.push({ text, steps, times: 1 });
  }

  writeTo(sink: RecordedStep[]): void {
    for (const { steps, times } of this.#groups) {
      if (times === 1) for (const step of steps) sink.push(step);
      else sink.push({ repeat: { times, steps } });
    }
  }
}

export const offset = (ms: number): string => formatDuration(Math.round(ms));

function allSteps(steps: readonly RecordedStep[]): readonly RecordedStep[] {
  return steps.flatMap((step) => {
    const branches = (step['parallel'] ?? []) as readonly (readonly RecordedStep[])[];
    const { steps: rounds = [] } = (step['repeat'] ?? {}) as { readonly steps?: readonly RecordedStep[] };
    return [step, ...allSteps(branches.flat()), ...allSteps(rounds)];
  });
}

/** Removes branches that recorded nothing because they were cut short. An empty branch is not valid. */
export function prune(sink: RecordedStep[], sinks: RecordedStep[][]): void {
  const filled = sinks.filter((branch) => branch.length > 0);
  const at = sink.findIndex((step) => step['parallel'] === sinks);
  if (filled.length === 0) sink.splice(at, 1);
  else sink[at] = { parallel: filled };
}
