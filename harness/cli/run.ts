import { randomInt } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { realClock } from '../clock.ts';
import type { Able } from '../ports/capability.ts';
import { printableLine } from '../printable.ts';
import { EXIT, type RunResult } from '../result.ts';
import { formatErrors, loadScenario } from '../scenario/language/load.ts';
import type { ChooseBySystem, Scenario } from '../scenario/language/schema.ts';
import { LOCAL } from '../stage/local.ts';
import { SIM } from '../stage/sim/able.ts';
import { SYSTEMS } from '../systems/registry.ts';
import { findScenario, shippedNames } from './find-scenario.ts';
import { INTERRUPT_CODES, Interrupts } from './interrupts.ts';
import { reasonOf } from './operating-error.ts';
import { chooseReporter } from './reporter.ts';
import type { RunFlags, StageName } from './run-flags.ts';
import { refusedOut } from './run-folder.ts';
import { runOnce } from './run-once.ts';
import { complain } from './print.ts';

interface Planned {
  readonly path: string;
  readonly text: string;
  readonly scenario: Scenario;
}

/** `chaos run`: everything is checked before anything starts. Returns the exit code: the gravest of all runs. */
export async function run(names: readonly string[], flags: RunFlags): Promise<number> {
  const plans = plan(flags.all ? [...names, ...shippedNames()] : names, flags, await chooser(flags));
  if (plans === null) return EXIT.usage;
  const reporter = chooseReporter(flags.reporter);
  if ('error' in reporter) {
    complain(`chaos: ${reporter.error}`);
    return EXIT.usage;
  }
  const refused = refusedOut(flags.out);
  if (refused !== null) {
    complain(`chaos: ${refused}`);
    return EXIT.usage;
  }

  const interrupts = new Interrupts();
  const results: RunResult[] = [];
  // The first run's clock starts with the command, so that "time to first fault" is the time that the user waits.
  let originMs = realClock().originMs - process.uptime() * 1_000;
  for (const { path, text, scenario } of plans) {
    const base = flags.seed ?? scenario.seed ?? randomInt(2 ** 32);
    for (let i = 0; i < flags.testCount && !stopped(interrupts, results); i++) {
      results.push(
        await runOnce({
          path,
          text,
          scenario,
          seed: base + i,
          flags,
          reporter: reporter.kind,
          interrupts,
          originMs,
        }),
      );
      originMs = realClock().originMs;
    }
  }
  if (results.length > 1) complain(table(results));
  const code = exitCode(results, plans.length * flags.testCount, interrupts);
  interrupts.finish(code);
  return code;
}

/**
 * Exit code of the command: the gravest one of the results, whose files have the same codes; or that of the signal that
 * kept runs from starting. A signal after the last result was decided changes nothing.
 */
function exitCode(results: readonly RunResult[], planned: number, interrupts: Interrupts): number {
  const { crash, name, lost } = interrupts;
  const codes = [EXIT.violation, EXIT.environment, EXIT.inconclusive];
  const gravest = codes.find((each) => results.some((result) => result.exitCode === each));
  const bad = gravest ?? results.find((result) => result.exitCode !== EXIT.pass)?.exitCode;
  if (bad !== undefined) return bad;
  if (crash !== null || (lost !== null && results.length < planned)) return EXIT.environment;
  return name !== null && results.length < planned ? INTERRUPT_CODES[name] : EXIT.pass;
}

/** True if a person or a signal ended the last run. Then no further run starts. */
const stopped = (interrupts: Interrupts, results: readonly RunResult[]): boolean =>
  interrupts.signal.aborted || (results.at(-1)?.interrupted ?? null) !== null;

/** Finds and loads every file, and prints the mistakes in all of them. */
function plan(names: readonly string[], flags: RunFlags, choose: ChooseBySystem): readonly Planned[] | null {
  const problems: string[] = [];
  const plans: Planned[] = [];
  if (names.length === 0)
    problems.push('chaos run: which scenario? Name a file, or --all; `chaos list` shows the shipped ones');
  if (flags.testCount < 1) problems.push('--test-count 0: at least 1');
  if (flags.node !== undefined) {
    const what = statSync(flags.node, { throwIfNoEntry: false });
    if (what === undefined)
      problems.push(`--node ${flags.node}: no such file (looked for ${resolve(flags.node)})`);
    else if (what.isDirectory())
      problems.push(`--node ${flags.node}: a folder; name the file that starts the node`);
  }
  if (flags.stage === 'sim')
    for (const flag of ['node', 'toxiproxy', 'keep'] as const)
      if (flags[flag] !== undefined)
        problems.push(
          `--${flag} does not go with --stage sim: simulated nodes have no processes and no files`,
        );
  for (const name of names) {
    const found = findScenario(name);
    if ('error' in found) {
      problems.push(found.error);
      continue;
    }
    const shown = relative(process.cwd(), found.path);
    const loaded = read(found.path, shown, choose);
    if ('problem' in loaded) problems.push(loaded.problem);
    else if (flags.stage === 'sim' && loaded.scenario.cluster.system !== 'raft')
      problems.push(
        `${shown}: --stage sim simulates the system \`raft\` only, not \`${loaded.scenario.cluster.system}\``,
      );
    else plans.push({ path: found.path, ...loaded });
  }
  for (const problem of problems) complain(problem);
  return problems.length === 0 ? plans : null;
}

const ABLE = { local: LOCAL, sim: SIM } as const satisfies Readonly<Record<StageName, Able>>;

/** The stage and the system that a scenario runs on, by the name of the system. */
async function chooser(flags: RunFlags): Promise<ChooseBySystem> {
  const stage = ABLE[flags.stage];
  const systems = await Promise.all(Object.values(SYSTEMS).map(async (load) => (await load())()));
  return (name) => ({ stage, system: systems.find((system) => system.name === name) ?? { name } });
}

/** Text and scenario of a file, or all its mistakes. */
type ReadScenario = { readonly text: string; readonly scenario: Scenario } | { readonly problem: string };

/**
 * Reads a scenario. `shown`: name of the file in messages. `choose`: the stage and system that it will run on; absent:
 * everything is possible.
 */
export function read(path: string, shown: string, choose?: ChooseBySystem): ReadScenario {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return { problem: printableLine(`${shown}: cannot be read: ${reasonOf(error)}`) };
  }
  return readBytes(bytes, shown, choose);
}

/** The same for the content of a file. */
export function readBytes(bytes: Uint8Array, shown: string, choose?: ChooseBySystem): ReadScenario {
  // Bytes that are not UTF-8 become replacement characters, and the loader reports their place.
  const text = new TextDecoder('utf-8').decode(bytes);
  const loaded = loadScenario(shown, text, choose);
  return loaded.ok ? { text, scenario: loaded.scenario } : { problem: formatErrors(loaded) };
}

/** One line per run, if there were several. */
function table(results: readonly RunResult[]): string {
  const rows = results.map(
    (r) =>
      `${r.verdict.padEnd(12)} ${r.scenario.padEnd(24)} seed ${String(r.seed).padEnd(11)} ${String(r.counts.operations).padStart(8)} ops  ${r.run}`,
  );
  const passed = results.filter((r) => r.verdict === 'pass').length;
  return ['', ...rows, `${passed} of ${results.length} passed`].join('\n');
}
