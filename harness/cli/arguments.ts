import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../duration.ts';

/** Parsers of option values, for all subcommands. Each throws commander's `InvalidArgumentError`. */

/** For an option that may be given more than once. */
export const several = (text: string, before: readonly string[]): string[] => [...before, text];

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a whole number.`);
  return Number(text);
}

export function milliseconds(text: string): number {
  const ms = parseDuration(text);
  if (ms === null)
    throw new InvalidArgumentError(
      `${JSON.stringify(text)} is not a duration: write for example 500ms, 60s or 10m.`,
    );
  return ms;
}

const SIZE = /^(\d{1,7})(MB|GB)$/;

export function megabytes(text: string): number {
  const match = SIZE.exec(text);
  const size = match === null ? 0 : Number(match[1]) * (match[2] === 'GB' ? 1_024 : 1);
  if (size < 1)
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a size: write for example 512MB or 4GB.`);
  return size;
}
