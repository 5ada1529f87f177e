import type { Command } from 'commander';
import { milliseconds, several } from '../arguments.ts';

const EXAMPLES = `
Examples:
  chaos members 127.0.0.1:8001 127.0.0.1:8002            what each of them knows
  chaos members 127.0.0.1:8001 127.0.0.1:8002 --add n4=127.0.0.1:7004
  chaos members 127.0.0.1:8001 127.0.0.1:8002 --promote n4 --remove n1      n4 takes n1's place
  chaos members 127.0.0.1:8001 127.0.0.1:8002 --transfer n2

All changes of one command are made as one change. Exit codes: 0 done · 1 refused, or in doubt · 2 bad arguments ·
3 no leader answered`;

export function defineMembers(program: Command): void {
  program
    .command('members')
    .argument('<address...>', 'host:port on which nodes of a running cluster listen for clients')
    .description('show the members of a running cluster, and change them by joint consensus')
    .option('--add <id=host:port>', 'a node (started with --join) becomes a learner', several, [])
    .option('--promote <id>', 'a learner becomes a voter', several, [])
    .option('--demote <id>', 'a voter becomes a learner', several, [])
    .option('--remove <id>', 'a node leaves the cluster', several, [])
    .option('--transfer [id]', 'make another voter the leader; without an id, the one with the longest log')
    .option('--within <time>', 'time during which it is tried again: 500ms, 10s', milliseconds, 10_000)
    .addHelpText('after', EXAMPLES)
    .action(async (addresses: string[], options) => {
      const { members } = await import('../members.ts');
      process.exitCode = await members(addresses, options);
    });
}
