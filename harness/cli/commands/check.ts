import { Option, type Command } from 'commander';
import { FORMAT_NAMES } from '../../history/formats/registry.ts';
import { megabytes, milliseconds } from '../arguments.ts';

const EXAMPLES = `
Examples:
  chaos check reports/latest                     the history of the last run again
  chaos check store/latest/history.edn           Jepsen's, plain or .gz; --key 7 for one key
  chaos check etcd.log --cas-fail mismatch       Jepsen's log lines; a failed CAS means that the value was another
  zcat big.edn.gz | chaos check - --json         from a pipe, for programs

Formats: ${FORMAT_NAMES.join(', ')}; docs/check.md explains each (chaos is our own history.jsonl).
Exit codes: 0 linearizable · 1 not linearizable · 2 bad input or arguments · 4 unknown (a limit was reached, or the
history is empty)`;

export function defineCheck(program: Command): void {
  program
    .command('check')
    .argument('[file]', 'a history, the folder of a run, or - for standard input')
    .description('check a history that any program recorded: is it linearizable, and if not, why')
    .addOption(
      new Option('--format <format>', 'format of the history')
        .choices(['auto', ...FORMAT_NAMES])
        .default('auto'),
    )
    .addOption(
      new Option('--model <model>', 'data type of the history (default: chosen by its operations)').choices([
        'register',
        'cas-register',
        'kv',
        'list-append',
      ]),
    )
    .addOption(
      new Option(
        '--cas-fail <meaning>',
        'meaning of a failed CAS: the value was another, or nothing (default: what its error says)',
      ).choices(['mismatch', 'nothing']),
    )
    .option('--limit <time>', 'time limit: 500ms, 60s, 10m', milliseconds, 60_000)
    .option(
      '--memory <size>',
      'memory limit of the process: 512MB, 4GB (default: 3 GB for reading, 512 MB for searches)',
      megabytes,
    )
    .option('--json', 'one JSON object on standard output')
    .option('--html <file>', 'also write a page that shows each violation in detail')
    .option('--key <key>', 'check this key only')
    .option(
      '--initial <value>',
      'value of a key before the first write, as the history writes it (default: none)',
    )
    .option('--allow-empty', 'an empty history is right: exit code 0 instead of 4')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string | undefined, options) => {
      const { check } = await import('../check/check.ts');
      process.exitCode = await check(file, options);
    });
}
