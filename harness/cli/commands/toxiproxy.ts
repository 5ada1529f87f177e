import type { Command } from 'commander';

export function defineToxiproxy(program: Command): void {
  const toxiproxy = program.command('toxiproxy').description('the real Toxiproxy server');
  toxiproxy
    .command('install')
    .description('build Toxiproxy 2.12.0 with Go into the project’s cache')
    .action(async () => {
      const { install } = await import('../toxiproxy.ts');
      process.exitCode = await install();
    });
  toxiproxy
    .command('path')
    .description('print the toxiproxy-server that a run would use; exit code 3 if it is the built-in one')
    .action(async () => {
      const { path } = await import('../toxiproxy.ts');
      process.exitCode = await path();
    });
}

export function defineClean(program: Command): void {
  program
    .command('clean')
    .description(
      'end the processes, and remove the proxies and folders, that a killed run left (listed in its journal)',
    )
    .action(async () => {
      const { clean } = await import('../toxiproxy.ts');
      process.exitCode = await clean();
    });
}
