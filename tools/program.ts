import { constants } from 'node:os';
import { parseArgs } from 'node:util';

/**
 * Reads the options of a program from its command line: whole numbers with a default and a minimum, and texts. If one
 * is wrong, prints why and exits with code 2.
 */
export function programOptions<N extends string, T extends string = never>(
  program: string,
  numbers: Readonly<Record<N, readonly [byDefault: number, least: number]>>,
  texts: readonly T[] = [],
): Readonly<Record<N, number> & Record<T, string | undefined>> {
  const bounds = Object.entries(numbers) as [N, readonly [number, number]][];
  try {
    const names = [...bounds.map(([name]) => name), ...texts];
    const { values } = parseArgs({
      options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    });
    const read = bounds.map(([name, [byDefault, least]]) => [
      name,
      values[name] === undefined ? byDefault : wholeNumber(`--${name}`, values[name], least),
    ]);
    return { ...values, ...Object.fromEntries(read) };
  } catch (error) {
    console.error(`${program}: ${(error as Error).message}`);
    return process.exit(2);
  }
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text === '' || !Number.isSafeInteger(value) || value < least)
    throw new Error(`${name} ${text}: expected a whole number, ${least} or greater`);
  return value;
}

/** Aborts when the process gets SIGINT or SIGTERM, and sets the exit code to 130 or 143. */
export function interruptSignal(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      process.exitCode = 128 + constants.signals[signal];
      interrupted.abort(new Error(signal));
    });
  }
  return interrupted.signal;
}
