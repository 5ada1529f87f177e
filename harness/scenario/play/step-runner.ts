import type { Clock } from '../../clock.ts';
import type { HarnessEvent } from '../../event.ts';
import { EmptyMatch } from '../../nemesis/fault.ts';
import { FAULTS } from '../../nemesis/registry.ts';
import type { FaultRecord, Nemesis } from '../../nemesis/nemesis.ts';
import { formatDuration } from '../../duration.ts';
import { type Range } from '../../nemesis/quantity.ts';
import { TooSlow } from '../../nemesis/faults/rolling-restart.ts';
import type { Random } from '../../random.ts';
import type { ExpectationResult } from '../../result.ts';
import type { Choices } from './choices.ts';
import { counted } from '../language/build.ts';
import { StepsEnded } from '../judge/ending.ts';
import { doubted } from '../judge/doubt.ts';
import { restsOnReports, type Condition } from '../language/condition.ts';
import { baselineOf, evaluateCondition, type Surroundings } from './evaluate-condition.ts';
import { StepResults } from '../judge/step-results.ts';
import type { Observer } from './observer.ts';
import type { Pace } from './pace.ts';
import { offset, prune, Rounds, type Recording, type RecordedStep } from './recording.ts';
import { lastLogged, StepBudget } from './step-budget.ts';
import type {
  CheckStep,
  FaultStep,
  HealStep,
  ParallelStep,
  RepeatStep,
  Step,
  WaitStep,
} from '../language/schema.ts';
import { stepLine } from '../language/step-line.ts';
import { stoppedMs, stopText } from '../../stall.ts';
import { allOrFirstFailure, CATCH_UP_MS, orAbort, watch } from './watch.ts';

export interface StepRunnerOptions {
  readonly nemesis: Nemesis;
  readonly observer: Observer;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly emit: (event: HarnessEvent) => void;
  readonly recording: Recording;
  readonly schedule: Random;
  readonly choices: Choices;
  /** Aborts when all steps must end. */
  readonly signal: AbortSignal;
}

/** Context of a step: the index of its top-level step, its path inside of that, and the list that records it. */
interface Place {
  readonly index: number;
  readonly path: string;
  readonly sink: RecordedStep[];
  readonly signal: AbortSignal;
}

/** Carries out the steps in order, and keeps the results of their waits and checks. */
export class StepRunner {
  readonly #results = new StepResults();
  readonly #budget = new StepBudget();
  readonly #options: StepRunnerOptions;
  /** Time of the first step, in ms since the run began. */
  #from = 0;

  constructor(options: StepRunnerOptions) {
    this.#options = options;
  }

  get expectations(): readonly ExpectationResult[] {
    return this.#results.rows;
  }

  /**
   * Runs steps in order. Recorded steps by hand run concurrently, at their own times. Throws `StepsEnded`, or the
   * signal's reason.
   */
  async run(steps: readonly Step[]): Promise<void> {
    const { signal, recording, clock } = this.#options;
    this.#from = clock.now();
    const byHand = (step: Step): boolean => 'by' in step && step.by === 'manual';
    const place = (index: number): Place => ({ index, path: '', sink: recording.steps, signal });
    const ordered = async (): Promise<void> => {
      for (const [i, step] of steps.entries()) if (!byHand(step)) await this.#step(step, place(i));
    };
    const alone = steps.flatMap((step, i) => (byHand(step) ? [this.#step(step, place(i))] : []));
    await allOrFirstFailure([ordered(), ...alone]);
  }

  /** Runs a step by hand at once, concurrently with the others. */
  async runByHand(step: FaultStep | HealStep): Promise<void> {
    const { recording, signal } = this.#options;
    const place = { index: BY_HAND, path: '', sink: recording.steps, signal };
    if (step.kind === 'heal') await this.#heal(step, place);
    else await this.#fault(step, place);
  }

  surroundings(now: number = this.#options.clock.now()): Surroundings {
    const { observer, nemesis, choices } = this.#options;
    const { state, ok, latency } = observer;
    return {
      state, ok, latency, now,
      bound: choices.bound(),
      select: (selector) => choices.select(selector),
      windows: (name) => nemesis.windows(name),
    }; // prettier-ignore
  }

  async #step(step: Step, place: Place): Promise<void> {
    const { pace, clock } = this.#options;
    if (step.atMs !== null) await pace.until(step.atMs, place.signal);
    await pace.gate(place.signal);
    const { logged, last } = this.#budget.take(step);
    if (logged) this.#emitStep(step, place, 'running');
    const from = clock.now();
    try {
      const detail = await this.#perform(step, place, logged);
      const stopped = meanwhile(stoppedMs(clock.stalls(), from));
      if (logged) this.#emitStep(step, place, detail === SKIPPED ? 'skipped' : 'ok', `${detail}${stopped}`);
      if (last) this.#note(lastLogged(step));
    } catch (error) {
      this.#emitStep(step, place, place.signal.aborted ? 'skipped' : 'failed', (error as Error).message);
      throw error;
    }
    // Steps that take no time must not keep signals and reports from being read.
    await clock.turn();
    place.signal.throwIfAborted();
  }

  /** Returns a description of the result, for the log. */
  async #perform(step: Step, place: Place, logged: boolean): Promise<string> {
    switch (step.kind) {
      case 'fault':
        return await this.#fault(step, place);
      case 'heal':
        return await this.#heal(step, place);
      case 'wait':
        return await this.#wait(step, place);
      case 'check':
        return await this.#check(step, place);
      case 'note':
        place.sink.push(step.source);
        if (logged) this.#note(step.note);
        return step.note;
      case 'parallel':
        return await this.#parallel(step, place);
      case 'repeat':
        return await this.#repeat(step, place);
      default:
        return step satisfies never;
    }
  }

  async #fault(step: FaultStep, place: Place): Promise<string> {
    const { nemesis, clock, pace, choices } = this.#options;
    const kind = FAULTS.get(step.verb)!;
    const at = pace.now();
    let aimed;
    try {
      aimed = kind.aim(step.spec, choices.targets(step.resolved));
    } catch (error) {
      if (!(error instanceof EmptyMatch)) throw error;
      if (step.onEmpty === 'skip') return SKIPPED;
      throw new StepsEnded('empty', `${step.text}: ${error.message}`);
    }
    if (step.bind !== null) choices.bind(step.bind, aimed);
    const lifetimeMs = step.forMs === null ? kind.lifetimeMs(step.spec) : this.#draw(step.forMs);
    const { at: _at, ...asWritten } = step.source;
    const recorded = {
      at: offset(at),
      ...asWritten,
      ...(step.forMs !== null && { for: formatDuration(lifetimeMs!) }),
      resolved: aimed.ends ?? aimed.nodes,
    };
    this.#record(recorded, place);
    const options = { verb: step.verb, name: step.as, by: step.by, step: recorded, lifetimeMs };
    const injecting = nemesis.inject(aimed, options);
    let fault: FaultRecord;
    try {
      fault = await orAbort(injecting, place.signal);
    } catch (error) {
      // The runner heals everything next. Attach a handler so that a late rejection is not unhandled.
      injecting.catch(() => undefined);
      if (error instanceof TooSlow) throw this.#failed(step, error.message, clock.now());
      throw error;
    }
    const { confirmedAt, requestedAt } = fault;
    if (confirmedAt === null) return `${aimed.text}, healed before it was confirmed`;
    return `${aimed.text}, confirmed in ${Math.round(confirmedAt - requestedAt)} ms`;
  }

  async #heal(step: HealStep, place: Place): Promise<string> {
    const { nemesis, pace, choices } = this.#options;
    const by = step.by === 'manual' ? 'manual' : undefined;
    const { what } = step;
    const { at: _at, ...asWritten } = step.source;
    this.#record({ at: offset(pace.now()), ...asWritten }, place);
    const healing = async (): Promise<number> => {
      if (what === 'all') return await nemesis.healAll(by);
      if ('node' in what) return await nemesis.healNodes(choices.select(what.node), by);
      const counts = await Promise.all(what.names.map((name) => nemesis.healNamed(name, by)));
      return counts.reduce((sum, count) => sum + count, 0);
    };
    const healed = await orAbort(healing(), place.signal);
    return healed === 0 ? 'nothing was left to heal' : `${healed} healed`;
  }

  async #wait(step: WaitStep, { sink, signal }: Place): Promise<string> {
    const { pace, clock, observer } = this.#options;
    if ('forMs' in step.what) {
      const ms = this.#draw(step.what.forMs);
      sink.push({ wait: { for: formatDuration(ms) } });
      await pace.sleep(ms, signal);
      return formatDuration(ms);
    }
    sink.push(step.source);
    const { until, withinMs } = step.what;
    const since = baselineOf(this.surroundings());
    const from = clock.now();
    let skipped = false;
    const look = (now: number) => {
      skipped ||= pace.takeSkip();
      return skipped
        ? { ok: true, detail: 'skipped by hand' }
        : evaluateCondition(until, this.surroundings(now), since);
    };
    const seen = await watch(look, { clock, pulse: observer.pulse, withinMs, signal });
    if (!seen.ok) throw this.#failed(step, `not within ${formatDuration(withinMs)}: ${seen.detail}`, from);
    const late = seen.inTime ? '' : `; whether it was within ${formatDuration(withinMs)} is not known`;
    const detail = `${seen.detail}${late}`;
    const status = skipped ? 'skipped' : seen.inTime ? 'pass' : 'unknown';
    this.#expect(step, status, `${detail}${meanwhile(seen.stoppedMs)}`, clock.now() - from);
    return skipped ? SKIPPED : detail;
  }

  async #check(step: CheckStep, { sink, signal }: Place): Promise<string> {
    sink.push(step.source);
    const { clock } = this.#options;
    // A check looks at the present, so the reports that wait since a stall are read first.
    while (stoppedMs(clock.stalls(), clock.now() - CATCH_UP_MS) > 0) await clock.sleep(CATCH_UP_MS, signal);
    const around = this.surroundings();
    const seen = evaluateCondition(step.condition, around, baselineOf(around));
    const row = this.#expect(step, seen.ok ? 'pass' : 'fail', seen.detail);
    return seen.ok ? seen.detail : `${row.status === 'fail' ? 'failed' : 'not known'}: ${row.detail}`;
  }

  async #parallel(step: ParallelStep, place: Place): Promise<string> {
    const end = new AbortController();
    const signal = AbortSignal.any([place.signal, end.signal]);
    const sinks: RecordedStep[][] = step.branches.map(() => []);
    place.sink.push({ parallel: sinks });
    const branches = step.branches.map(async (branch, b) => {
      for (const [i, inner] of branch.entries()) {
        await this.#step(inner, {
          index: place.index,
          path: `${place.path}${b}.${i}.`,
          sink: sinks[b]!,
          signal,
        });
      }
    });
    try {
      await allOrFirstFailure(branches, () => end.abort(new Error('another branch failed')));
    } finally {
      prune(place.sink, sinks);
    }
    return counted(branches.length, 'branch');
  }

  async #repeat({ times, forMs, steps }: RepeatStep, place: Place): Promise<string> {
    const from = this.#options.pace.now();
    const rounds = new Rounds();
    let round = 0;
    try {
      while (times === null ? this.#options.pace.now() - from < forMs! : round < times) {
        const sink: RecordedStep[] = [];
        try {
          for (const [i, step] of steps.entries())
            await this.#step(step, { ...place, sink, path: `${place.path}${round}.${i}.` });
        } finally {
          rounds.add(sink);
        }
        round++;
      }
    } finally {
      rounds.writeTo(place.sink);
    }
    return counted(round, 'time');
  }

  /** Writes a step down. A person who asked for it is shown the line that was written. */
  #record(step: RecordedStep, { index, sink }: Place): void {
    sink.push(step);
    if (index !== BY_HAND) return;
    const t = this.#options.clock.now();
    this.#options.emit({ t, type: 'note', level: 'info', text: stepLine(step), by: 'manual' });
  }

  /** Draws a whole number of milliseconds from the range. */
  #draw({ min, max }: Range): number {
    return min === max ? min : this.#options.schedule.int(Math.ceil(min), Math.floor(max));
  }

  #failed(step: Step, detail: string, from: number): StepsEnded {
    const row = this.#expect(step, 'fail', detail, this.#options.clock.now() - from);
    return new StepsEnded(row.status === 'fail' ? 'expectation' : 'stalled', `${step.text}: ${row.detail}`);
  }

  #expect(
    step: Step,
    status: ExpectationResult['status'],
    detail: string,
    tookMs?: number,
  ): ExpectationResult {
    const row: ExpectationResult = {
      group: 'steps',
      name: step.text,
      status,
      detail,
      line: step.line,
      ...(tookMs !== undefined && { tookMs: Math.round(tookMs) }),
    };
    const { observer, clock } = this.#options;
    const condition = conditionOf(step);
    const reportsLost = condition !== null && restsOnReports(condition) ? observer.reportsLost : null;
    const judged = doubted(row, stoppedMs(clock.stalls(), this.#from), reportsLost);
    this.#results.add(step, judged);
    return judged;
  }

  #note(text: string): void {
    this.#options.emit({ t: this.#options.clock.now(), type: 'note', level: 'info', text });
  }

  #emitStep(
    step: Step,
    { index, path }: Place,
    state: 'running' | 'ok' | 'failed' | 'skipped',
    detail?: string,
  ): void {
    this.#options.emit({
      t: this.#options.clock.now(),
      type: 'step',
      index,
      ...(path !== '' && { path: path.slice(0, -1) }),
      state,
      text: step.text,
      ...(detail !== undefined && { detail }),
    });
  }
}

const meanwhile = (stopped: number): string => (stopped > 0 ? `; ${stopText(stopped)} meanwhile` : '');

const SKIPPED = 'skipped';
/** Index of a step by hand, which belongs to no step of the scenario. */
const BY_HAND = -1;

/** The condition that a step waits for or checks; null if it has none. */
function conditionOf(step: Step): Condition | null {
  if (step.kind === 'check') return step.condition;
  return step.kind === 'wait' && 'until' in step.what ? step.what.until : null;
}
