import type { LinearizabilityResult } from '../../checker/linearizable.ts';
import type { Able } from '../../ports/capability.ts';
import type { NodeExit } from '../../ports/cluster.ts';
import type { HarnessEvent, ManualCommand, Phase } from '../../event.ts';
import { latencyStats } from '../../history/latency.ts';
import type { Op } from '../../history/op.ts';
import type { Stage } from '../../ports/stage.ts';
import type { System } from '../../ports/system.ts';
import { Nemesis } from '../../nemesis/nemesis.ts';
import { randomStream } from '../../random.ts';
import type { ExpectationResult, Violation } from '../../result.ts';
import { afterAwake, stoppedMs, stopText } from '../../stall.ts';
import { checkHistory, isWanted, evaluateAlways, notJudged, whyNotJudged } from '../judge/evaluate-always.ts';
import { Choices } from './choices.ts';
import { baselineOf, evaluateCondition } from './evaluate-condition.ts';
import { countAll } from '../judge/counts.ts';
import { endingOfError, endingOfReason, isOwn, messageOf, StepsEnded, type Ending } from '../judge/ending.ts';
import { evaluateDuring } from '../judge/evaluate-during.ts';
import { evaluateRecovery } from '../judge/evaluate-recovery.ts';
import { evaluateVacuity } from '../judge/evaluate-vacuity.ts';
import type { RunRecord } from '../judge/run-record.ts';
import { ManualControl } from './manual-control.ts';
import { Observer } from './observer.ts';
import { judgeRun, type RunOutcome } from '../judge/run-outcome.ts';
import { Pace } from './pace.ts';
import { Recording } from './recording.ts';
import { RecoveryTimes } from '../judge/recovery-times.ts';
import type { Scenario } from '../language/schema.ts';
import { StepRunner } from './step-runner.ts';
import { orAbort, watch } from './watch.ts';

export type { RunOutcome } from '../judge/run-outcome.ts';

/** The parts of a stage that a run uses. */
interface RunStage extends Pick<Stage, keyof Able | 'cluster' | 'links' | 'workload' | 'clock'> {
  readonly system: Pick<System, 'monitor' | keyof Able>;
}

export interface RunOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  /** The open stage. The run happens within its `play`. */
  readonly stage: RunStage;
  readonly emit: (event: HarnessEvent) => void;
  /** Registers the handler of a person's commands. */
  readonly commands: (handler: (command: ManualCommand) => void) => void;
  /**
   * Reason `SIGINT`, `SIGTERM` or `SIGHUP`: the run was interrupted. Any other (an Error): the environment
   * failed.
   */
  readonly signal: AbortSignal;
  /** True if the steps end at the first violation. By default they continue, because later steps may show more. */
  readonly stopOnViolation?: boolean;
}

/** Time limit of the checks after an interrupt, in ms: the person who interrupted the run does not want to wait. */
const INTERRUPTED_CHECK_MS = 2_000;
/** Exit code of a node whose environment failed (disk, port): the node itself is not at fault. */
const NODE_ENVIRONMENT_EXIT = 3;

/**
 * Runs a scenario: start, steady state, steps, heal everything, recovery, checks, outcome. Never throws: every failure
 * becomes part of the outcome, and every fault is healed. The caller must end the cluster, the links and the load.
 */
export async function runScenario(options: RunOptions): Promise<RunOutcome> {
  return await new Run(options).play();
}

class Run {
  readonly #options: RunOptions;
  readonly #observer: Observer;
  readonly #nemesis: Nemesis;
  readonly #recovery: RecoveryTimes;
  readonly #recording = new Recording();
  readonly #steps: StepRunner;
  readonly #manual: ManualControl;
  readonly #pace: Pace;
  readonly #choices: Choices;
  readonly #expectations: ExpectationResult[] = [];
  /** Aborts when the current phase must end. */
  readonly #going = new AbortController();
  /** Aborts when even the checks must end. */
  readonly #hurry = new AbortController();
  #ending: Ending | null = null;
  #firstFault: number | null = null;
  #stepsFrom: number | null = null;
  #stepsTo: number | null = null;

  constructor(options: RunOptions) {
    this.#options = options;
    const { stage, seed, scenario } = options;
    const { system, cluster, links, workload, clock } = stage;
    const emit = (event: HarnessEvent): void => this.#emit(event);
    this.#observer = new Observer({
      system, cluster, workload, clock, emit,
      onNodeExit: (node, exit) => this.#nodeExited(node, exit),
      onLoadBroken: (message) => this.#cut({ kind: 'error', message: `the load generator failed: ${message}` }),
      onViolation: (violation) => this.#violated(violation),
    }); // prettier-ignore
    const { state, load } = this.#observer;
    this.#recovery = new RecoveryTimes(state);
    this.#nemesis = new Nemesis({
      cluster, links, clock, state, load, emit,
      onFailure: (error) => this.#cut({ kind: 'error', message: error.message }),
    }); // prettier-ignore
    const pace = new Pace(clock);
    const random = randomStream(seed, 'selectors');
    const choices = new Choices({ state, nemesis: this.#nemesis, clock, random });
    this.#choices = choices;
    this.#steps = new StepRunner({
      nemesis: this.#nemesis,
      observer: this.#observer,
      pace, clock, emit, choices,
      recording: this.#recording,
      schedule: randomStream(seed, 'schedule'),
      signal: this.#going.signal,
    }); // prettier-ignore
    this.#manual = new ManualControl({
      nodes: scenario.cluster.nodes,
      chosen: { system, stage },
      nemesis: this.#nemesis,
      steps: this.#steps,
      choices,
      pace, clock, emit,
      onStop: () => this.#cut({ kind: 'interrupted', by: 'stop' }),
      onAbort: () => this.#abort(),
    }); // prettier-ignore
    this.#pace = pace;
  }

  async play(): Promise<RunOutcome> {
    const { signal, commands } = this.#options;
    const onAbort = (): void => this.#cut(endingOfReason(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    commands((command) => this.#manual.press(command));
    try {
      await this.#start();
      await this.#steady();
      await this.#run();
    } catch (error) {
      // After `#cut`, the phase throws the reason of the cut, which is recorded already.
      if (!this.#going.signal.aborted) this.#end(endingOfError(error));
    }
    const stepsTo = this.#options.stage.clock.now();
    this.#stepsTo = stepsTo;
    this.#manual.close();
    await this.#heal();
    const ops = await this.#stopLoad();
    const outcome = await this.#check(ops, stepsTo);
    this.#phase('stopping');
    this.#observer.stop();
    signal.removeEventListener('abort', onAbort);
    return outcome;
  }

  async #start(): Promise<void> {
    const { scenario, stage } = this.#options;
    const { cluster, workload, system, clock } = stage;
    this.#phase('starting');
    const open = notJudged(scenario.expect.always, this.#observer.monitor);
    if (open.length > 0) {
      const text = `not judged: ${open.join(', ')}: ${whyNotJudged(system.name)}`;
      this.#emit({ t: clock.now(), type: 'note', level: 'info', text });
    }
    const started = Promise.all(cluster.nodes.map((node) => cluster.start(node)));
    started.catch(() => undefined);
    await orAbort(started, this.#going.signal);
    await orAbort(workload.start(), this.#going.signal);
  }

  async #steady(): Promise<void> {
    const { scenario, stage } = this.#options;
    const { clock } = stage;
    this.#phase('steady');
    for (const { condition, withinMs, line, text } of scenario.steady) {
      const from = clock.now();
      const since = baselineOf(this.#steps.surroundings());
      const look = (now: number) => evaluateCondition(condition, this.#steps.surroundings(now), since);
      const seen = await watch(look, {
        clock,
        pulse: this.#observer.pulse,
        withinMs,
        signal: this.#going.signal,
      });
      const tookMs = Math.round(clock.now() - from);
      this.#expectations.push({
        group: 'steady',
        name: text,
        // The steady state is where the steps begin, so it is enough that it was reached in the time that was left.
        status: seen.ok ? 'pass' : seen.stoppedMs > 0 ? 'unknown' : 'fail',
        detail: seen.stoppedMs > 0 ? `${seen.detail}; ${stopText(seen.stoppedMs)} meanwhile` : seen.detail,
        tookMs,
        ...(line > 0 && { line }),
      });
      if (!seen.ok)
        throw new StepsEnded('steady', `the steady state was never reached: ${text}: ${seen.detail}`);
    }
  }

  async #run(): Promise<void> {
    this.#phase('running');
    this.#pace.start();
    this.#stepsFrom = this.#options.stage.clock.now();
    await this.#steps.run(this.#options.scenario.steps);
  }

  /**
   * Heals everything, for whatever reason the steps ended. Then waits for the cluster's recovery, if the steps had
   * begun.
   */
  async #heal(): Promise<void> {
    this.#phase('healing');
    try {
      await this.#nemesis.windUp();
    } catch (error) {
      this.#end({ kind: 'error', message: `not everything could be healed: ${(error as Error).message}` });
    }
    if (!this.#mayRecover()) return;
    if (this.#recovery.since === null) this.#recovery.healed(this.#options.stage.clock.now());
    const { leaderWithinMs, caughtUpWithinMs, writesWithinMs } = this.#options.scenario.expect.recovery;
    const limits = [leaderWithinMs, caughtUpWithinMs, writesWithinMs].filter((limit) => limit !== null);
    if (limits.length === 0) return;
    const writes = (): number =>
      this.#observer.ok.write + this.#observer.ok.cas + this.#observer.ok.delete + this.#observer.ok.append;
    // Each client may have had one write in flight at the heal. One more than that was invoked after it.
    const enough = writes() + this.#options.scenario.workload.clients + 1;
    const { clock } = this.#options.stage;
    const since = this.#recovery.since!;
    const left = since + Math.max(...limits) + stoppedMs(clock.stalls(), since) - clock.now();
    const look = () => {
      this.#recovery.look(clock.now());
      const back = caughtUpWithinMs === null || this.#recovery.caughtUpMs() !== null;
      const led = leaderWithinMs === null || this.#recovery.leaderMs() !== null;
      return {
        ok: back && led && (writesWithinMs === null || writes() >= enough),
        detail: this.#recovery.missing(),
      };
    };
    // This only waits. The expectations on recovery are evaluated later.
    await watch(look, {
      clock,
      pulse: this.#observer.pulse,
      withinMs: Math.max(0, left),
      signal: this.#going.signal,
    }).catch(() => undefined);
  }

  /** False for a run that was ended from outside or whose environment failed: its recovery is not measured. */
  #mayRecover(): boolean {
    return this.#stepsFrom !== null && (this.#ending === null || isOwn(this.#ending));
  }

  async #stopLoad(): Promise<readonly Op[]> {
    try {
      return await this.#options.stage.workload.stop();
    } catch (error) {
      this.#end({ kind: 'error', message: `the load could not be stopped: ${(error as Error).message}` });
      return [];
    }
  }

  async #check(ops: readonly Op[], stepsTo: number): Promise<RunOutcome> {
    this.#phase('checking');
    const { scenario, seed } = this.#options;
    const gaps = this.#observer.state.leaderGaps(stepsTo);
    const linearizability = this.#withLive(await this.#linearizability(ops));
    const { state, reportsLost, violations: unsafe } = this.#observer;
    const wanted = unsafe.filter(({ property }) => isWanted(property, scenario.expect.always));
    const violations: Violation[] = [...wanted, ...(linearizability?.violations ?? [])];
    const record: RunRecord = {
      ops, linearizability, gaps, stepsTo, state, reportsLost,
      faults: this.#nemesis.faults,
      recovery: this.#recovery,
      bindings: this.#choices.bindings,
      stepsFrom: this.#stepsFrom ?? stepsTo,
      stalls: this.#options.stage.clock.stalls(),
      ending: this.#ending,
    }; // prettier-ignore
    const { expect } = scenario;
    const expectations = [
      ...this.#expectations,
      ...this.#steps.expectations,
      ...evaluateAlways(expect.always, {
        linearizability,
        aborted: this.#hurry.signal.aborted,
        monitor: this.#observer.monitor,
        system: this.#options.stage.system.name,
        ending: this.#ending,
      }),
      ...evaluateDuring(expect.during, record),
      ...evaluateRecovery(expect.recovery, record),
      ...evaluateVacuity(scenario, record),
    ];
    const faults = this.#nemesis.faults.filter(({ confirmedAt }) => confirmedAt !== null);
    const ending = this.#ending;
    const counts = countAll(ops, faults, this.#observer.state);
    return {
      ...judgeRun({ ending, expectations, violations, operations: ops.length, faults: faults.length }),
      expectations, violations, counts, ops,
      latencyMs: latencyStats(ops),
      leaderGaps: gaps,
      firstFaultMs: this.#firstFault,
      stalls: record.stalls,
      interrupted: ending?.kind === 'interrupted' ? ending.by : null,
      error: ending?.kind === 'error' ? ending.message : null,
      flat: this.#recording.text(scenario, seed),
    }; // prettier-ignore
  }

  async #linearizability(ops: readonly Op[]): Promise<LinearizabilityResult | null> {
    const { scenario, stage } = this.#options;
    const { clock } = stage;
    const { linearizableMs } = scenario.expect.always;
    if (linearizableMs === null || this.#hurry.signal.aborted || ops.length === 0) return null;
    const hurried = this.#ending?.kind === 'interrupted';
    const limitMs = hurried ? Math.min(linearizableMs, INTERRUPTED_CHECK_MS) : linearizableMs;
    const emit = (event: HarnessEvent): void => this.#emit(event);
    const late = new AbortController();
    const signal = AbortSignal.any([this.#hurry.signal, late.signal]);
    // An interrupt may come while the history is checked, too. That takes real time under every clock.
    const shorten = (): void =>
      void afterAwake(INTERRUPTED_CHECK_MS, () => late.abort(new Error('interrupted')));
    this.#going.signal.addEventListener('abort', shorten, { once: true });
    try {
      return await checkHistory(ops, { limitMs, signal, clock, emit });
    } finally {
      this.#going.signal.removeEventListener('abort', shorten);
    }
  }

  /**
   * The result of the final check, completed by the violations that were found live on keys that it left undecided. If
   * the two contradict each other, the run is an error.
   */
  #withLive(final: LinearizabilityResult | null): LinearizabilityResult | null {
    const { live } = this.#observer;
    const disagreement = live.disagreement(final);
    if (disagreement !== null)
      this.#end({ kind: 'error', message: `the checkers disagree: ${disagreement}` });
    return live.completed(final);
  }

  #violated({ property, anomaly, key }: Violation): void {
    const { stopOnViolation, scenario } = this.#options;
    const wanted = property === 'linearizability' || isWanted(property, scenario.expect.always);
    if (stopOnViolation !== true || !wanted || this.#stepsTo !== null) return;
    const where = key === undefined ? '' : ` on key ${key}`;
    this.#cut({
      kind: 'violated',
      message: `stopped at the first violation: ${property}, ${anomaly}${where}`,
    });
  }

  #nodeExited(node: string, { code, signal, stderr }: NodeExit): void {
    this.#nemesis.world.nodeLedger.markBroken(node);
    const how = code === null ? `by signal ${signal ?? 'unknown'}` : `with code ${code}`;
    const said = stderr.trim();
    const message = `${node} exited by itself ${how}${said === '' ? ', with nothing on stderr' : `: ${said}`}`;
    // If the node was never up, or its exit code says that its environment failed, the fault is in the environment.
    const environment = code === NODE_ENVIRONMENT_EXIT || this.#observer.state.node(node).starts === 0;
    this.#cut({ kind: environment ? 'error' : 'node-exit', message });
  }

  #abort(): void {
    this.#cut({ kind: 'interrupted', by: 'abort' });
    this.#hurry.abort(new Error('aborted by hand'));
  }

  /** Ends the current phase from outside. */
  #cut(ending: Ending): void {
    this.#end(ending);
    if (!this.#going.signal.aborted) this.#going.abort(new Error(messageOf(ending)));
  }

  /** The first ending counts, but a failure of the environment replaces an ending that the scenario itself led to. */
  #end(ending: Ending): void {
    const yields = this.#ending === null || isOwn(this.#ending) || this.#ending.kind === 'violated';
    if (this.#ending === null || (yields && ending.kind === 'error')) this.#ending = ending;
    const level = ending.kind === 'interrupted' ? 'warn' : 'error';
    this.#emit({ t: this.#options.stage.clock.now(), type: 'note', level, text: messageOf(ending) });
  }

  #phase(phase: Phase): void {
    this.#emit({ t: this.#options.stage.clock.now(), type: 'phase', phase });
  }

  /** Single exit for events. */
  #emit(event: HarnessEvent): void {
    this.#observer.see(event);
    this.#options.emit(event);
    if (event.type === 'fault' && event.by !== 'cleanup' && event.state === 'confirmed')
      this.#firstFault ??= event.t;
    if (event.type === 'fault' && event.state === 'healing') this.#recovery.healingAt = event.t;
    if (event.type === 'fault' && event.state === 'healed') this.#recovery.healed(event.t);
    if (event.type === 'status' || event.type === 'life') this.#recovery.look(event.t);
  }
}
