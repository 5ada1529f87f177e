import { appendFileSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { realClock, type Clock } from '../clock.ts';
import type { HarnessEvent, LinksServer, ManualCommand } from '../event.ts';
import { killRecorded, recordFolder } from '../links/journal.ts';
import type { Stage, StageSetup } from '../ports/stage.ts';
import { pointLatest, writeReport } from '../report/write.ts';
import type { RunResult } from '../result.ts';
import { runScenario, type RunOutcome } from '../scenario/play/runner.ts';
import { stageSetup } from '../scenario/play/stage-setup.ts';
import type { Scenario } from '../scenario/language/schema.ts';
import { localStage } from '../stage/local.ts';
import { simStage } from '../stage/sim/stage.ts';
import { SYSTEMS } from '../systems/registry.ts';
import { EventLog } from './event-log.ts';
import type { Interrupts } from './interrupts.ts';
import { startReporter, type ReporterKind } from './reporter.ts';
import type { RunFlags } from './run-flags.ts';
import { makeRunDir } from './run-folder.ts';
import { assembleResult, failedOutcome, withFailure } from './result.ts';
import { complain } from './print.ts';

export const CACHE_DIR = fileURLToPath(new URL('../../.cache', import.meta.url));
/** Length of the end of a node's log that the report shows, in bytes. */
const LOG_TAIL_BYTES = 8_192;

export interface RunOnceOptions {
  readonly path: string;
  readonly text: string;
  readonly scenario: Scenario;
  readonly seed: number;
  readonly flags: RunFlags;
  readonly reporter: ReporterKind;
  readonly interrupts: Interrupts;
  /** Run time 0, of `monotonicMs`. */
  readonly originMs: number;
}

/**
 * One run of one scenario: creates the run's folder, opens the stage, lets the runner play on it, writes the report.
 * Any failure becomes a result with the verdict `error`; nothing is left running.
 */
export async function runOnce(options: RunOnceOptions): Promise<RunResult> {
  const { scenario, seed, flags, interrupts, originMs } = options;
  interrupts.decided = null;
  const startedAt = new Date();
  const dir = makeRunDir(flags.out, scenario.name, startedAt, seed);
  const real = realClock(originMs);
  let clock: Clock = real;
  const log = new EventLog(join(dir, 'events.jsonl'));
  const commands = new CommandQueue();
  const offHard = interrupts.onHard(() => commands.send({ type: 'abort' }));
  const offStall = real.onStall(({ from, to }) =>
    log.emit({ t: to, type: 'stall', from: Math.max(0, from) }),
  );
  const reporter = await startReporter({
    kind: options.reporter,
    subscribe: (listener) => log.subscribe(listener),
    command: (command) => commands.send(command),
    watchOnly: flags.watchOnly === true,
    dir,
  });

  const recorded = flags.stage === 'local' && flags.keep !== true;
  const forgetData = recorded ? await recordFolder(CACHE_DIR, join(dir, 'data')) : () => undefined;
  let server: LinksServer = { kind: 'builtin', version: 'not started', url: '' };
  let outcome: RunOutcome;
  try {
    outcome = await play(options, dir, log, commands, (stage) => {
      ({ clock } = stage);
      ({ server } = stage.links);
    });
  } catch (error) {
    outcome = failedOutcome(error, interrupts);
  }
  offStall();
  ensureHistoryFile(dir);
  if (flags.keep !== true) removeData(dir);
  forgetData();

  const result = assembleResult({
    outcome,
    scenario,
    seed,
    dir,
    server,
    startedAt,
    interrupts,
    file: relative(process.cwd(), options.path),
    durationMs: clock.now(),
    version: flags.version,
    eventLogFailure: log.failure,
  });
  const parts = { options, dir, log, outcome };
  let finish = await report(parts, result);
  log.emit({
    t: clock.now(),
    type: 'verdict',
    verdict: finish.verdict,
    exitCode: finish.exitCode,
    sentence: finish.sentence,
    report: join(relative(process.cwd(), dir), 'report.html'),
  });
  log.emit({ t: clock.now(), type: 'phase', phase: 'done' });
  await reporter.stop();
  await log.close();
  // If the harness crashed while the report was written, the result is an error, and the report is written again.
  if (finish.verdict !== 'error') {
    const late = withFailure(finish, interrupts.crash?.stack ?? null);
    if (late !== finish) finish = await report(parts, late);
  }
  offHard();
  reporter.summarize(finish);
  return finish;
}

function removeData(dir: string): void {
  rmSync(join(dir, 'data'), { recursive: true, force: true, maxRetries: 3 });
}

/** Opens the stage, runs the scenario on it, and ends everything that it has started. */
async function play(
  options: RunOnceOptions,
  dir: string,
  { emit }: EventLog,
  commands: CommandQueue,
  onOpen: (stage: Stage) => void,
): Promise<RunOutcome> {
  const { scenario, seed, flags, interrupts } = options;
  const failed = new AbortController();
  await using stage = await openStage(options, dir, emit, (error) => failed.abort(error));
  onOpen(stage);
  const { name, clock, cluster, links } = stage;
  emit({
    t: clock.now(),
    type: 'run',
    run: relative(process.cwd(), dir),
    scenario: scenario.name,
    file: relative(process.cwd(), options.path),
    seed,
    ...(name !== 'local' && { stage: name }),
    nodes: cluster.nodes,
    links: links.server,
    out: relative(process.cwd(), dir),
    steps: scenario.outline,
    startedAt: new Date().toISOString(),
  });
  return await stage.play(() =>
    runScenario({
      scenario,
      seed,
      stage,
      emit,
      signal: AbortSignal.any([interrupts.signal, failed.signal]),
      stopOnViolation: flags.stopOnViolation === true,
      commands: (handler) => commands.listen(handler),
    }),
  );
}

async function openStage(
  { scenario, seed, flags, interrupts, originMs }: RunOnceOptions,
  dir: string,
  emit: (event: HarnessEvent) => void,
  onFailure: (error: Error) => void,
): Promise<Stage> {
  const clock = realClock(originMs);
  const setup: StageSetup = {
    ...stageSetup(scenario, seed),
    dir,
    signal: interrupts.signal,
    onNote: (level, text) => emit({ t: clock.now(), type: 'note', level, text }),
    onFailure,
  };
  if (flags.stage === 'sim') return simStage(setup);
  const makeSystem = await SYSTEMS[scenario.cluster.system]!();
  interrupts.lastResort = () => {
    killRecorded();
    if (flags.keep !== true) removeData(dir);
  };
  return await localStage({
    ...setup,
    clock,
    system: makeSystem(flags.node === undefined ? undefined : resolve(flags.node)),
    ...(flags.toxiproxy === undefined ? {} : { toxiproxy: flags.toxiproxy }),
    cacheDir: CACHE_DIR,
  });
}

interface ReportParts {
  readonly options: RunOnceOptions;
  readonly dir: string;
  readonly log: EventLog;
  readonly outcome: RunOutcome;
}

/**
 * Writes the report and points `latest` at it. The result is decided here. All files, the terminal and the exit code
 * show it, and a later signal does not change it. If the disk refuses a file, the run is an error, a message says so,
 * and the files are written once more with that.
 */
async function report(parts: ReportParts, result: RunResult): Promise<RunResult> {
  const { options, dir } = parts;
  options.interrupts.decided = result.exitCode;
  const publish = async (as: RunResult): Promise<void> => {
    const failure = await write(parts, as).catch((error: unknown) => error as Error);
    pointLatest(options.flags.out, dir);
    if (failure !== undefined) throw failure;
  };
  try {
    await publish(result);
    return result;
  } catch (error) {
    const message = `the report in ${dir} is not complete: ${(error as Error).message}`;
    complain(`chaos: ${message}`);
    const failed = result.verdict === 'error' ? result : withFailure(result, message);
    options.interrupts.decided = failed.exitCode;
    await publish(failed).catch(() => undefined);
    return failed;
  }
}

async function write({ options, dir, log, outcome }: ReportParts, result: RunResult): Promise<void> {
  await writeReport({
    dir,
    result,
    events: log.kept,
    ops: outcome.ops,
    scenarioText: options.text,
    flatScenarioText: outcome.flat,
    logTails: Object.fromEntries(result.nodes.map((id) => [id, tail(join(dir, 'logs', `${id}.log`))])),
  });
}

/** Keyboard commands that come before the runner listens are kept for it. */
class CommandQueue {
  #handler: ((command: ManualCommand) => void) | null = null;
  readonly #early: ManualCommand[] = [];

  send(command: ManualCommand): void {
    if (this.#handler === null) this.#early.push(command);
    else this.#handler(command);
  }
  listen(handler: (command: ManualCommand) => void): void {
    this.#handler = handler;
    for (const command of this.#early.splice(0)) handler(command);
  }
}

/** Writes an (empty) history file even if the run ended before the load began. */
function ensureHistoryFile(dir: string): void {
  try {
    appendFileSync(join(dir, 'history.jsonl'), '');
  } catch {
    // The disk is full or gone: writing the report will fail and report it.
  }
}

function tail(path: string): string {
  try {
    const { size } = statSync(path);
    const text = readFileSync(path);
    return text.subarray(Math.max(0, size - LOG_TAIL_BYTES)).toString('utf8');
  } catch {
    return '';
  }
}
