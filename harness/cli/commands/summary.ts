import type { Command } from 'commander';

export function defineSummary(program: Command): void {
  program
    .command('summary')
    .argument('[dir]', 'folder of report folders', 'reports')
    .description('write all reports of a folder as Markdown; on GitHub: job summary and annotations')
    .action(async (dir: string) => {
      const { summary } = await import('../summary.ts');
      process.exitCode = summary(dir);
    });
}
