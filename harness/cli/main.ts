import { Command, CommanderError } from 'commander';
import { EXIT } from '../result.ts';
import { defineCheck } from './commands/check.ts';
import { defineMembers } from './commands/members.ts';
import { defineRun } from './commands/run.ts';
import { defineList, defineSchema, defineValidate } from './commands/scenarios.ts';
import { defineSummary } from './commands/summary.ts';
import { defineClean, defineToxiproxy } from './commands/toxiproxy.ts';
import { operatingSentence } from './operating-error.ts';
import { guardOutput } from './output-streams.ts';
import { VERSION } from './version.ts';
import { complain } from './print.ts';

/** Every subcommand, in the order of `chaos --help`. A new one is a file in commands/ and a line here. */
const SUBCOMMANDS: readonly ((program: Command) => void)[] = [
  defineRun,
  defineCheck,
  defineList,
  defineValidate,
  defineSchema,
  defineMembers,
  defineSummary,
  defineToxiproxy,
  defineClean,
];

/** `chaos`: parses the command line, runs one subcommand, sets the exit code. Never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  guardOutput(({ hungUp, message }) => {
    // A closed pipe is not an error: its reader wanted no more.
    if (!hungUp) failAtEnd(message);
  });
  const program = buildProgram();
  // A run has its own listener, which ends the run in order after a crash.
  process.on('uncaughtException', (error) => {
    if (process.listenerCount('uncaughtException') > 1) return;
    fail(error);
    process.exit();
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage;
    else fail(error);
  }
}

/** Reports an error that ended a subcommand: with its stack if it is a mistake in this program, else in a sentence. */
function fail(error: unknown): void {
  const mistake = error instanceof Error ? (error.stack ?? error.message) : String(error);
  complain(`chaos: ${operatingSentence(error) ?? mistake}`);
  process.exitCode = EXIT.environment;
}

/** Changes the exit code of a success, because the answer could not be written. Any other exit code stays. */
function failAtEnd(message: string): void {
  complain(`chaos: ${message}`);
  process.once('exit', (code) => {
    if (code === EXIT.pass) process.exitCode = EXIT.environment;
  });
}

function buildProgram(): Command {
  const program = new Command('chaos')
    .description(
      'Chaos testing for Raft: real nodes, Toxiproxy links, a live dashboard, a verdict you can trust.',
    )
    .version(VERSION)
    .exitOverride()
    // Its messages repeat arguments.
    .configureOutput({ writeErr: (text) => complain(text.replace(/\n$/, '')) })
    .showSuggestionAfterError()
    .showHelpAfterError('(chaos --help lists all commands)');
  for (const define of SUBCOMMANDS) define(program);
  return program;
}
