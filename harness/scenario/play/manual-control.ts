import type { Clock } from '../../clock.ts';
import type { HarnessEvent, ManualCommand } from '../../event.ts';
import type { Nemesis } from '../../nemesis/nemesis.ts';
import type { Choices } from './choices.ts';
import { loadManualStep } from '../language/load.ts';
import type { Pace } from './pace.ts';
import type { StepRunner } from './step-runner.ts';

interface KeyboardOptions {
  /** How many nodes the cluster has. */
  readonly nodes: number;
  readonly nemesis: Nemesis;
  readonly steps: StepRunner;
  readonly choices: Choices;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly emit: (event: HarnessEvent) => void;
  readonly onStop: () => void;
  readonly onAbort: () => void;
}

/** What a person asks for while a run goes on. Faults go through the same nemesis, and into the recording. */
export class Keyboard {
  readonly #options: KeyboardOptions;
  #faults = 0;
  #closed = false;

  constructor(options: KeyboardOptions) {
    this.#options = options;
  }

  /** From here on everything is being healed: no more faults. */
  close(): void {
    this.#closed = true;
  }

  press(command: ManualCommand): void {
    const { pace, clock, emit } = this.#options;
    if (command.type === 'abort') return this.#options.onAbort();
    if (this.#closed) return this.#note('warn', `too late for ${command.type}: the run is being wound up`);
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
    const { nodes, nemesis, steps, choices } = this.#options;
    const handles = new Set(nemesis.faults.flatMap(({ name }) => name ?? []));
    const names = new Set(choices.bound().keys());
    const step = loadManualStep(raw, nodes, { handles, names });
    if (step.kind === 'heal') return await steps.runByHand(step);
    const as = step.as ?? `manual-${++this.#faults}`;
    await steps.runByHand({ ...step, as, source: { ...step.source, as } });
  }

  async #undo(): Promise<void> {
    const { nemesis, steps, nodes } = this.#options;
    const latest = nemesis.latestByHand();
    if (latest === null) return this.#note('info', 'nothing to undo: no fault by hand is live');
    const step = loadManualStep({ heal: latest.id }, nodes, {
      handles: new Set([latest.id]),
      names: new Set(),
    });
    await steps.runByHand(step);
  }

  /** A fault by hand that cannot be done is a note, not the end of the run. */
  #try(work: Promise<void>): void {
    void work.catch((error: unknown) => this.#note('warn', `not done: ${(error as Error).message}`));
  }

  #note(level: 'info' | 'warn', text: string): void {
    this.#options.emit({ t: this.#options.clock.now(), type: 'note', level, text });
  }
}
