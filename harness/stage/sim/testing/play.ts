import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HarnessEvent, ManualCommand } from '../../../event.ts';
import { linkName, type LinkCondition } from '../../../ports/links.ts';
import { formatErrors, loadScenario } from '../../../scenario/language/load.ts';
import type { System } from '../../../ports/system.ts';
import type { Scenario } from '../../../scenario/language/schema.ts';
import { runScenario, type RunOutcome } from '../../../scenario/play/runner.ts';
import { stageSetup } from '../../../scenario/play/stage-setup.ts';
import type { SimParts } from '../server.ts';
import { simStage, type SimStage } from '../stage.ts';
import { CrashingCluster } from './crashing-cluster.ts';
import { AccusingWorkload } from './accusing-workload.ts';
import { GoneLinks } from './gone-links.ts';

/** Actions of a test on a run from outside, at any event of it. */
export interface PlayedStage {
  readonly clock: SimStage['clock'];
  readonly cluster: CrashingCluster;
  readonly links: GoneLinks;
  readonly workload: AccusingWorkload;
  readonly press: (command: ManualCommand) => void;
  /** Aborts the run's signal with the name of a signal, or with an Error if the environment failed. */
  readonly abort: (reason: unknown) => void;
}

export interface Played {
  readonly outcome: RunOutcome;
  readonly events: readonly HarnessEvent[];
  readonly stage: PlayedStage;
  readonly scenario: Scenario;
  /** Condition of each link after the run, by name. */
  readonly linksLeft: Readonly<Record<string, LinkCondition>>;
}

export interface PlayOptions {
  readonly seed?: number;
  /** Parts of the nodes, if they are not the shipped ones. */
  readonly parts?: SimParts;
  readonly stopOnViolation?: boolean;
  /** A system that replaces that of the stage, for the verdict and the capabilities. */
  readonly system?: Pick<System, 'name' | 'monitor' | 'capabilities'>;
  /** Called with every event when it is reported. */
  readonly onEvent?: (event: HarnessEvent, stage: PlayedStage) => void;
}

/** Loads a scenario's text and runs it on the simulated stage. */
export async function play(text: string, options: PlayOptions = {}): Promise<Played> {
  const loaded = loadScenario('test.yaml', text);
  if (!loaded.ok) throw new Error(formatErrors(loaded));
  const { scenario } = loaded;
  const { seed = scenario.seed ?? 1, stopOnViolation = false } = options;
  const dir = mkdtempSync(join(tmpdir(), 'chaos-sim-'));
  const interrupt = new AbortController();
  try {
    await using sim = simStage(
      {
        ...stageSetup(scenario, seed),
        dir,
        signal: interrupt.signal,
        onNote: () => {},
        onFailure: (error) => interrupt.abort(error),
      },
      options.parts,
    );
    const events: HarnessEvent[] = [];
    let handler: (command: ManualCommand) => void = () => undefined;
    const { clock } = sim;
    const stage: PlayedStage = {
      clock,
      cluster: new CrashingCluster(sim.cluster),
      links: new GoneLinks(sim.links),
      workload: new AccusingWorkload(sim.workload, clock),
      press: (command) => handler(command),
      abort: (reason) => interrupt.abort(reason),
    };
    const { links } = stage;
    const outcome = await sim.play(() =>
      runScenario({
        scenario, seed, stopOnViolation,
        stage: { ...sim, ...stage, system: options.system ?? sim.system },
        emit: (event) => {
          events.push(event);
          // It must not run inside the runner's call: like a key press, it comes between two steps of the runner.
          if (options.onEvent !== undefined) queueMicrotask(() => options.onEvent!(event, stage));
        },
        commands: (listener) => void (handler = listener),
        signal: interrupt.signal,
      }),
    ); // prettier-ignore
    const linksLeft = Object.fromEntries(links.links.map((link) => [linkName(link), links.condition(link)]));
    return { outcome, events, stage, scenario, linksLeft };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
