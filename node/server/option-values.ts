import { NODE_ID } from '../protocol/node-id.ts';
import { nodeId } from '../raft/types.ts';
import type { NodeId } from '../raft/types.ts';

/** The command line is wrong. The message is one line for the user. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export function parseId(option: string, text: string): NodeId {
  if (!NODE_ID.test(text)) {
    throw new OptionError(
      `${option} '${text}' is not a node id; use letters, digits, '.', '_' and '-', at most 63`,
    );
  }
  return nodeId(text);
}

export function parseAddress(option: string, text: string, minPort: number): Address {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, Math.max(0, colon)).replace(/^\[(.*)\]$/, '$1');
  const port = text.slice(colon + 1);
  if (host === '' || !/^\d{1,5}$/.test(port) || Number(port) > 65_535 || Number(port) < minPort) {
    throw new OptionError(
      `${option} '${text}' is not a HOST:PORT with a port of ${minPort} to 65535, such as 127.0.0.1:7001`,
    );
  }
  return { host, port: Number(port) };
}

export function parseRange(option: string, text: string): { min: number; max: number } {
  const [low, high, ...rest] = text.split('..');
  if (low === undefined || high === undefined || rest.length > 0) {
    throw new OptionError(`${option} '${text}' is not a range of milliseconds, such as 300..600`);
  }
  const min = parseWhole(option, low, 1, 600_000);
  const max = parseWhole(option, high, 1, 600_000);
  if (min >= max) {
    throw new OptionError(
      `${option} ${text}: ${min} is not below ${max}; without a range, candidates could split the vote again and again`,
    );
  }
  return { min, max };
}

export function parseWhole(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new OptionError(`${option} '${text}' is not a whole number from ${min} to ${max}`);
  }
  return value;
}

/** Parses a size in bytes, as a whole number or with a unit: `4194304`, `4MiB`. */
export function parseBytes(option: string, text: string, min: number, max: number): number {
  const [, number, unit] = /^(\d+)(|KiB|MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(number) * (UNIT_BYTES[unit as keyof typeof UNIT_BYTES] ?? Number.NaN);
  if (!(bytes >= min && bytes <= max))
    throw new OptionError(
      `${option} '${text}' is not a size from ${sizeText(min)} to ${sizeText(max)}, such as 4MiB`,
    );
  return bytes;
}

/** Parses a port of this machine, or HOST:PORT. */
export function parsePlace(option: string, text: string): Address {
  return parseAddress(option, text.includes(':') ? text : `127.0.0.1:${text}`, 0);
}

export function parseChoice<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((each) => each === text);
  if (choice === undefined) throw new OptionError(`${option} '${text}' must be one of ${choices.join(', ')}`);
  return choice;
}

export function parseSwitch(option: string, text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new OptionError(`${option} '${text}' must be on or off`);
  return text === 'on';
}

/** Returns a size as text such as `4MiB`, or as a number if it is not a whole multiple of a unit. */
export function sizeText(bytes: number): string {
  const fits = (Object.keys(UNIT_BYTES) as (keyof typeof UNIT_BYTES)[]).findLast(
    (unit) => bytes % UNIT_BYTES[unit] === 0,
  );
  return `${bytes / UNIT_BYTES[fits ?? '']}${fits ?? ''}`;
}

const UNIT_BYTES = { '': 1, KiB: 1 << 10, MiB: 1 << 20, GiB: 1 << 30 } as const;
