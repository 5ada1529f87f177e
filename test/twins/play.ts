import type { HarnessEvent, ManualCommand } from '../../harness/event.ts';
import { formatErrors, loadScenario } from '../../harness/scenario/language/load.ts';
import { runScenario, type RunOutcome } from '../../harness/scenario/play/runner.ts';
import type { Scenario } from '../../harness/scenario/language/schema.ts';
import { TwinCluster } from './twin-cluster.ts';
import { TwinLinks } from './twin-links.ts';
import { TwinWorkload } from './twin-workload.ts';
import { VirtualClock } from './virtual-clock.ts';

/** What a test can do to a run from outside, at any event of it. */
export interface Stage {
  readonly clock: VirtualClock;
  readonly cluster: TwinCluster;
  readonly links: TwinLinks;
  readonly workload: TwinWorkload;
  readonly press: (command: ManualCommand) => void;
  /** Aborts the run's signal: a signal's name, or an Error (the environment failed). */
  readonly abort: (reason: unknown) => void;
}

export interface Played {
  readonly outcome: RunOutcome;
  readonly events: readonly HarnessEvent[];
  readonly stage: Stage;
  readonly scenario: Scenario;
}

export interface PlayOptions {
  readonly seed?: number;
  readonly staleReads?: boolean;
  readonly stopOnViolation?: boolean;
  /** Called with every event as it is told. */
  readonly onEvent?: (event: HarnessEvent, stage: Stage) => void;
}

/** Loads a scenario's text and runs it against the twins, in virtual time. */
export async function play(text: string, options: PlayOptions = {}): Promise<Played> {
  const loaded = loadScenario('test.yaml', text);
  if (!loaded.ok) throw new Error(formatErrors(loaded.errors));
  const { scenario } = loaded;
  const { seed = scenario.seed ?? 1, staleReads = false, stopOnViolation = false } = options;
  const clock = new VirtualClock();
  const nodes = Array.from({ length: scenario.cluster.nodes }, (_, i) => `n${i + 1}`);
  const links = new TwinLinks(nodes);
  const cluster = new TwinCluster(nodes, clock, links);
  const workload = new TwinWorkload({
    plan: { ...scenario.workload, seed },
    clock,
    cluster,
    links,
    staleReads,
  });
  const interrupt = new AbortController();
  const events: HarnessEvent[] = [];
  let handler: (command: ManualCommand) => void = () => undefined;
  const stage: Stage = {
    clock, cluster, links, workload,
    press: (command) => handler(command),
    abort: (reason) => interrupt.abort(reason),
  }; // prettier-ignore
  const running = runScenario({
    scenario, seed, cluster, links, workload, clock, stopOnViolation,
    emit: (event) => {
      events.push(event);
      if (event.type === 'phase' && event.phase === 'checking') clock.stop();
      // Not from within the runner's own call: as a key press, which comes between two of its steps.
      if (options.onEvent !== undefined) queueMicrotask(() => options.onEvent!(event, stage));
    },
    commands: (listener) => void (handler = listener),
    signal: interrupt.signal,
  }); // prettier-ignore
  const outcome = await clock.run(running);
  await cluster[Symbol.asyncDispose]();
  return { outcome, events, stage, scenario };
}
