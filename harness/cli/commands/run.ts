import { Option, type Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { STAGES } from '../run-flags.ts';
import { VERSION } from '../version.ts';

const EXAMPLES = `
Examples:
  chaos run partition-leader.yaml               a shipped scenario, or a file of yours
  chaos run partition-leader.yaml --seed 7      the same random choices again
  chaos run --all --reporter line               every shipped scenario, one line per event
  chaos run kill-leader.yaml --test-count 10    ten runs with seeds seed, seed+1, …
  chaos run x.yaml --node ./my-node.ts          another build of the node under test
  chaos run --all --stage sim                   every shipped scenario in seconds, on simulated nodes

Exit codes: 0 passed · 1 violation or failed expectation · 2 bad file or arguments · 3 the harness or its
environment failed · 4 inconclusive · 129/130/143 interrupted (the report is still written)`;

export function defineRun(program: Command): void {
  program
    .command('run')
    .argument(
      '[scenario...]',
      'scenario files; a bare name is searched in the current folder, then among the shipped scenarios',
    )
    .description('run scenarios against a real cluster; report in reports/<run>/')
    .option('--all', 'every shipped scenario')
    .option('--seed <n>', "the run's seed, instead of the scenario's", wholeNumber)
    .option('--test-count <n>', 'number of runs per scenario, each with the next seed', wholeNumber, 1)
    .addOption(
      new Option('--reporter <kind>', 'how to show the run (default: tui on a terminal, else line)').choices([
        'tui',
        'line',
        'json',
      ]),
    )
    .option('--out <dir>', 'folder for the report folders', 'reports')
    .addOption(
      new Option('--stage <where>', 'real processes on this machine, or simulated nodes under virtual time')
        .choices(STAGES)
        .default('local'),
    )
    .option(
      '--toxiproxy <which>',
      'the URL of a running server, `real`, `builtin`, or a toxiproxy-server binary',
    )
    .option('--node <file>', 'the node program to test, instead of ours')
    .option('--keep', "keep the nodes' data folders")
    .option('--watch-only', 'no faults from the keyboard')
    .option('--stop-on-violation', 'end the steps as soon as a violation is proven')
    .addHelpText('after', EXAMPLES)
    .action(async (names: string[], options) => {
      const { run } = await import('../run.ts');
      process.exitCode = await run(names, { ...options, version: VERSION });
    });
}
