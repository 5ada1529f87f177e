import { constants } from 'node:os';

/** Reads the value of a numeric option. Throws an Error for the user unless it is a whole number, at least `least`. */
export function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text === '' || !Number.isSafeInteger(value) || value < least)
    throw new Error(`${name} ${text}: expected a whole number, ${least} or greater`);
  return value;
}

/** Reads the options of a program; prints what is wrong with them and exits with code 2 if `read` throws. */
export function optionsOrExit<T>(program: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    console.error(`${program}: ${(error as Error).message}`);
    return process.exit(2);
  }
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
