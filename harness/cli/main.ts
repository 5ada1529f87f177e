import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT } from '../result.ts';

const VERSION = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

const CHECK_EXAMPLES = `
Examples:
  chaos check reports/latest                     the history of the last run again
  chaos check store/latest/history.edn           Jepsen's, plain or .gz; --key 7 for one key
  chaos check etcd.log --cas-fail mismatch       Jepsen's log lines; a failed cas says: another value
  zcat big.edn.gz | chaos check - --json         from a pipe, for programs

Formats: chaos (history.jsonl), jepsen-edn, jepsen-log, porcupine-kv; what each means is in docs/check.md.
Exit codes: 0 linearizable · 1 not linearizable · 2 bad input or arguments · 4 unknown (a limit was reached)`;

const RUN_EXAMPLES = `
Examples:
  chaos run partition-leader.yaml               a shipped scenario, or a file of yours
  chaos run partition-leader.yaml --seed 7      the same random choices again
  chaos run --all --reporter line               every shipped scenario, one line an event
  chaos run kill-leader.yaml --test-count 10    ten runs with seeds seed, seed+1, …
  chaos run x.yaml --node ./my-node.ts          another build of the node under test

Exit codes: 0 passed · 1 violation or failed expectation · 2 bad file or arguments · 3 the harness or its
environment failed · 4 inconclusive · 129/130/143 interrupted (the report is still written)`;

const MEMBERS_EXAMPLES = `
Examples:
  chaos members 127.0.0.1:8001 127.0.0.1:8002            what each of them knows
  chaos members 127.0.0.1:8001 127.0.0.1:8002 --add n4=127.0.0.1:7004
  chaos members 127.0.0.1:8001 127.0.0.1:8002 --promote n4 --remove n1      n4 takes n1's place
  chaos members 127.0.0.1:8001 127.0.0.1:8002 --transfer n2

All changes of one command are one change. Exit codes: 0 done · 1 refused, or in doubt · 2 bad arguments · 3 nobody
who leads answered`;

/** `chaos`: parses the command line, runs one subcommand, sets the exit code. Never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = buildProgram();
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage;
    else {
      console.error(`chaos: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      process.exitCode = EXIT.environment;
    }
  }
}

function buildProgram(): Command {
  const program = new Command('chaos')
    .description(
      'Chaos testing for Raft: real nodes, Toxiproxy links, a live dashboard, a verdict you can trust.',
    )
    .version(VERSION)
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(chaos --help shows what there is)');

  program
    .command('run')
    .argument(
      '[scenario...]',
      'scenario files; a bare name is looked up in the current folder, then among the shipped',
    )
    .description('run scenarios against a real cluster; report in reports/<run>/')
    .option('--all', 'every shipped scenario')
    .option('--seed <n>', "the run's seed, instead of the scenario's", wholeNumber)
    .option('--test-count <n>', 'run each scenario so often, each time with the next seed', wholeNumber, 1)
    .addOption(
      new Option('--reporter <kind>', 'how to show the run (default: tui on a terminal, else line)').choices([
        'tui',
        'line',
        'json',
      ]),
    )
    .option('--out <dir>', 'where the report folders go', 'reports')
    .option('--toxiproxy <which>', 'a running server’s URL, `real`, `builtin`, or a toxiproxy-server binary')
    .option('--node <file>', 'the node program to test, instead of ours')
    .option('--keep', "keep the nodes' data folders")
    .option('--watch-only', 'no faults from the keyboard')
    .option('--stop-on-violation', 'end the steps as soon as a property is proven broken')
    .addHelpText('after', RUN_EXAMPLES)
    .action(async (names: string[], options) => {
      const { run } = await import('./run.ts');
      process.exitCode = await run(names, { ...options, version: VERSION });
    });

  program
    .command('check')
    .argument('[file]', 'a history, the folder of a run, or - for standard input')
    .description('judge a history, of whatever made it: is it linearizable, and if not, why')
    .addOption(
      new Option('--format <format>', 'how it is written')
        .choices(['auto', 'chaos', 'jepsen-edn', 'jepsen-log', 'porcupine-kv'])
        .default('auto'),
    )
    .addOption(
      new Option('--model <model>', 'what it should be (default: by its operations)').choices([
        'register',
        'cas-register',
        'kv',
        'list-append',
      ]),
    )
    .addOption(
      new Option(
        '--cas-fail <meaning>',
        'what a failed cas says: the value was another, or nothing (default: by the format)',
      ).choices(['mismatch', 'nothing']),
    )
    .option('--limit <time>', 'give up after 500ms, 60s, 10m', milliseconds, 60_000)
    .option('--memory <size>', 'give up beyond 512MB, 4GB of search', megabytes, 512)
    .option('--json', 'one JSON object on standard output')
    .option('--html <file>', 'also write a page with each violation close up')
    .option('--key <key>', 'judge this key alone')
    .addHelpText('after', CHECK_EXAMPLES)
    .action(async (file: string | undefined, options) => {
      const { check } = await import('./check/check.ts');
      process.exitCode = await check(file, options);
    });

  program
    .command('list')
    .description('the shipped scenarios, and what each shows')
    .action(async () => {
      const { list } = await import('./list.ts');
      process.exitCode = list();
    });

  program
    .command('validate')
    .argument('<scenario...>', 'scenario files')
    .description('check scenario files without running anything')
    .action(async (names: string[]) => {
      const { validate } = await import('./list.ts');
      process.exitCode = validate(names);
    });

  program
    .command('schema')
    .description('the JSON Schema of scenario files, for editors')
    .action(async () => {
      const { schema } = await import('./list.ts');
      process.exitCode = schema();
    });

  program
    .command('members')
    .argument('<address...>', 'host:port on which nodes of a running cluster listen for clients')
    .description('who is in a running cluster, and changes of it by joint consensus')
    .option('--add <id=host:port>', 'a node (started with --join) becomes a learner', several, [])
    .option('--promote <id>', 'a learner becomes a voter', several, [])
    .option('--demote <id>', 'a voter becomes a learner', several, [])
    .option('--remove <id>', 'a node goes', several, [])
    .option('--transfer [id]', 'another voter is to lead; without an id the one whose log is furthest')
    .option('--within <time>', 'ask again for so long: 500ms, 10s', milliseconds, 10_000)
    .addHelpText('after', MEMBERS_EXAMPLES)
    .action(async (addresses: string[], options) => {
      const { members } = await import('./members.ts');
      process.exitCode = await members(addresses, options);
    });

  program
    .command('summary')
    .argument('[dir]', 'folder of report folders', 'reports')
    .description('Markdown of all reports in a folder; on GitHub: job summary and annotations')
    .action(async (dir: string) => {
      const { summary } = await import('./summary.ts');
      process.exitCode = summary(dir);
    });

  const toxiproxy = program.command('toxiproxy').description('the real Toxiproxy server');
  toxiproxy
    .command('install')
    .description('build Toxiproxy 2.12.0 with Go into the project’s cache')
    .action(async () => {
      const { install } = await import('./toxiproxy.ts');
      process.exitCode = await install();
    });
  toxiproxy
    .command('path')
    .description('which toxiproxy-server a run would use; exit 3 if it is the built-in one')
    .action(async () => {
      const { path } = await import('./toxiproxy.ts');
      process.exitCode = await path();
    });
  program
    .command('clean')
    .description('end what a killed chaos left behind (its node and proxy processes), by its journal')
    .action(async () => {
      const { clean } = await import('./toxiproxy.ts');
      process.exitCode = await clean();
    });
  return program;
}

const several = (text: string, before: readonly string[]): string[] => [...before, text];

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a whole number.`);
  return Number(text);
}

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m)$/;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000 } as const;

function milliseconds(text: string): number {
  const match = DURATION.exec(text);
  if (match === null)
    throw new InvalidArgumentError(`${JSON.stringify(text)} is no time such as 500ms, 60s or 10m.`);
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

const SIZE = /^(\d{1,7})(MB|GB)$/;

function megabytes(text: string): number {
  const match = SIZE.exec(text);
  const size = match === null ? 0 : Number(match[1]) * (match[2] === 'GB' ? 1_024 : 1);
  if (size < 1) throw new InvalidArgumentError(`${JSON.stringify(text)} is no size such as 512MB or 4GB.`);
  return size;
}
