import type { Command } from 'commander';

export function defineList(program: Command): void {
  program
    .command('list')
    .description('list the shipped scenarios, and what each one shows')
    .action(async () => {
      const { list } = await import('../list.ts');
      process.exitCode = list();
    });
}

export function defineValidate(program: Command): void {
  program
    .command('validate')
    .argument('<scenario...>', 'scenario files')
    .description('check scenario files without running anything')
    .action(async (names: string[]) => {
      const { validate } = await import('../list.ts');
      process.exitCode = validate(names);
    });
}

export function defineSchema(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of scenario files, for editors')
    .action(async () => {
      const { schema } = await import('../list.ts');
      process.exitCode = schema();
    });
}
