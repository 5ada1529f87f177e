import type { Clock } from '../../clock.ts';
import type { HarnessEvent, ManualCommand } from '../../event.ts';
import type { Nemesis } from '../../nemesis/nemesis.ts';
import type { Choices } from './choices.ts';
import { buildStep } from '../language/build.ts';
import type { Chosen, FaultStep, HealStep, Known } from '../language/schema.ts';
import type { Pace } from './pace.ts';
import type { StepRunner } from './step-runner.ts';

interface ManualControlOptions {
  /** Number of nodes of the cluster. */
  readonly nodes: number;
  /** Stage and system of the run. If absent, everything is possible. */
  readonly chosen: Chosen | undefined;
  readonly nemesis: Nemesis;
  readonly steps: StepRunner;
  readonly choices: Choices;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly emit: (event: HarnessEvent) => void;
  readonly onStop: () => void;
  readonly onAbort: () => void;
}

/**
 * Carries out what a person asks for during a run. Faults go through the same nemesis as those of the scenario, and
 * into the recording.
 */
export class ManualControl {
  readonly #options: ManualControlOptions;
  #faults = 0;
  #closed = false;

  constructor(options: ManualControlOptions) {
    this.#options = options;
  }

  /** Refuses all further commands except `abort`. Called when everything is being healed. */
  close(): void {
    this.#closed = true;
  }

  press(command: ManualCommand): void {
    const { pace, clock, emit } = this.#options;
    if (command.type === 'abort') return this.#options.onAbort();
    if (this.#closed) return this.#note('warn', `too late for ${command.type}: the run is ending`);
    switch (command.type) {
      case 'stop':
        return this.#options.onStop();
      case 'hold':
        pace.hold(!pace.held);
        return emit({ t: clock.now(), type: 'hold', held: pace.held });
      case 'next':
        return pace.next();
      case 'undo':
        return this.#try(this.#undo());
      case 'inject':
        return this.#try(this.#inject(command.step));
    }
  }

  async #inject(raw: Readonly<Record<string, unknown>>): Promise<void> {
    const { nodes, chosen, nemesis, steps, choices } = this.#options;
    const handles = new Set(nemesis.faults.flatMap(({ name }) => name ?? []));
    const names = new Set(choices.bound().keys());
    const step = manualStep(raw, { nodes, handles, names, chosen });
    if (step.kind === 'heal') return await steps.runByHand(step);
    const as = step.as ?? `manual-${++this.#faults}`;
    await steps.runByHand({ ...step, as, source: { ...step.source, as } });
  }

  async #undo(): Promise<void> {
    const { nemesis, steps, nodes } = this.#options;
    const latest = nemesis.latestByHand();
    if (latest === null) return this.#note('info', 'nothing to undo: no fault by hand is live');
    const handles = new Set([latest.id]);
    await steps.runByHand(manualStep({ heal: latest.id }, { nodes, handles, names: new Set() }));
  }

  /** A fault by hand that cannot be injected results in a note and does not end the run. */
  #try(work: Promise<void>): void {
    void work.catch((error: unknown) => this.#note('warn', `not done: ${(error as Error).message}`));
  }

  #note(level: 'info' | 'warn', text: string): void {
    this.#options.emit({ t: this.#options.clock.now(), type: 'note', level, text, by: 'manual' });
  }
}

/** A step that a person asked for. Throws an error that lists everything that is wrong with it. */
export function manualStep(raw: Readonly<Record<string, unknown>>, known: Known): FaultStep | HealStep {
  const built = buildStep({ ...raw, by: 'manual' }, known);
  if (!built.ok) throw new Error(built.problems.join('; '));
  const { step } = built;
  if (step.kind === 'fault' || step.kind === 'heal') return step;
  throw new Error(`only faults and \`heal\` can be injected by hand, not \`${step.kind}\``);
}
