import { z } from 'zod';
import { DURATION_SOURCE, DURATION_UNITS, parseDuration } from '../duration.ts';
import { report, type Mistake } from './mistake.ts';

/** Minimum and maximum, both included; equal for a single quantity. Durations are in ms. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

const RATE = /^(\d+(?:\.\d+)?)\/s$/;
const PERCENT = /^(\d+(?:\.\d+)?)%$/;
const BANDWIDTH = /^(\d+(?:\.\d+)?)(KB|MB)\/s$/;
const SIZE = /^(\d+)(B|KB|MB)$/;

function parseRange(text: string): Range | null {
  const ends = text.split('..');
  if (ends.length > 2) return null;
  const [min, max] = [parseDuration(ends[0]!), parseDuration(ends.at(-1)!)];
  return min === null || max === null ? null : { min, max };
}

interface QuantityKind<T> {
  /** Name for messages: `duration`. */
  readonly noun: string;
  readonly example: string;
  readonly units: readonly string[];
  /** Unit that the author of a number without a unit probably meant. */
  readonly likely: string;
  readonly pattern: RegExp;
  parse(text: string): T | null;
  /** Returns the mistake in a parsed value, or null. */
  check?(value: T): Mistake | null;
}

/** A string field for a number with its unit. */
function quantity<T>(kind: QuantityKind<T>): z.ZodType<T, string> {
  const text = z
    .string({ error: `expected a ${kind.noun} such as \`${kind.example}\`` })
    .meta({ pattern: kind.pattern.source, description: `A ${kind.noun}, such as ${kind.example}` })
    .transform((written, context): T => {
      const value = kind.parse(written);
      const mistake = value === null ? mistakeIn(written, kind) : (kind.check?.(value) ?? null);
      if (mistake === null) return value!;
      report(context, mistake);
      return z.NEVER;
    });
  // The hint for a number without a unit names the likely unit, which zod's own "expected a string" cannot do.
  const field = z.preprocess((value, context) => {
    if (typeof value === 'number') report(context, unitMissing(String(value), kind));
    return value;
  }, text);
  return field as unknown as z.ZodType<T, string>;
}

const unitMissing = (text: string, kind: QuantityKind<unknown>): Mistake => ({
  what: `a number without a unit where a ${kind.noun} is needed`,
  hint: `write the unit: \`${text}${kind.likely}\``,
});

function mistakeIn(text: string, kind: QuantityKind<unknown>): Mistake {
  const unit = /^\s*[\d.]+\s*([^\d\s.]+)\s*$/.exec(text)?.[1];
  if (unit !== undefined && !kind.units.includes(unit)) {
    const units = kind.units.map((known) => `\`${known}\``).join(', ');
    return {
      what: `unknown unit \`${unit}\``,
      hint: `a ${kind.noun} has ${units}, such as \`${kind.example}\``,
    };
  }
  if (/^\s*[\d.]+\s*$/.test(text)) return unitMissing(text.trim(), kind);
  return { what: `not a ${kind.noun}: \`${text}\``, hint: `write one such as \`${kind.example}\`` };
}

const single =
  (pattern: RegExp) =>
  (text: string): number | null => {
    const match = pattern.exec(text.trim());
    return match === null ? null : Number(match[1]);
  };

/** Maximum length of a duration, in ms. A longer one is probably a wrong unit. */
const LONGEST_MS = 3_600_000;
const TOO_LONG: Mistake = { what: 'longer than an hour' };

/** `150ms` → ms. */
export const duration = quantity<number>({
  noun: 'duration',
  example: '150ms',
  units: DURATION_UNITS,
  likely: 'ms',
  pattern: new RegExp(`^${DURATION_SOURCE}$`),
  parse: parseDuration,
  check: (ms) => (ms > LONGEST_MS ? TOO_LONG : null),
});

/** `150ms` or `150ms..300ms` → ms. */
export const durationRange = quantity<Range>({
  noun: 'duration or range',
  example: '150ms..300ms',
  units: DURATION_UNITS,
  likely: 'ms',
  pattern: new RegExp(String.raw`^${DURATION_SOURCE}(\.\.${DURATION_SOURCE})?$`),
  parse: parseRange,
  check: ({ min, max }) =>
    min > max
      ? { what: 'the first value of a range must not be larger than the second' }
      : max > LONGEST_MS
        ? TOO_LONG
        : null,
});

/** `500/s` → operations per second. */
export const rate = quantity<number>({
  noun: 'rate',
  example: '500/s',
  units: ['/s'],
  likely: '/s',
  pattern: RATE,
  parse: single(RATE),
  check: (value) =>
    value <= 0
      ? { what: 'a rate must be more than zero', hint: '`max` means as fast as the nodes answer' }
      : null,
});

/** `35%` → 0.35. */
export const percent = quantity<number>({
  noun: 'percentage',
  example: '35%',
  units: ['%'],
  likely: '%',
  pattern: PERCENT,
  parse: (text) => {
    const value = single(PERCENT)(text);
    return value === null ? null : value / 100;
  },
  check: (value) => (value > 1 ? { what: 'more than 100%' } : null),
});

/** `64KB/s` → KB per second, as Toxiproxy counts it. */
export const bandwidthRate = quantity<number>({
  noun: 'bandwidth',
  example: '64KB/s',
  units: ['KB/s', 'MB/s'],
  likely: 'KB/s',
  pattern: BANDWIDTH,
  parse: (text) => {
    const match = BANDWIDTH.exec(text.trim());
    return match === null ? null : Number(match[1]) * (match[2] === 'MB' ? 1_000 : 1);
  },
  check: (value) =>
    value < 1 ? { what: 'Toxiproxy cannot go below `1KB/s`', hint: 'use `cut` to block a link' } : null,
});

/** `64B`, `4KB` → bytes. */
export const size = quantity<number>({
  noun: 'size',
  example: '64B',
  units: ['B', 'KB', 'MB'],
  likely: 'B',
  pattern: SIZE,
  check: (bytes) => (bytes < 1 ? { what: 'a size is at least `1B`' } : null),
  parse: (text) => {
    const match = SIZE.exec(text.trim());
    return match === null
      ? null
      : Number(match[1]) * { B: 1, KB: 1_000, MB: 1_000_000 }[match[2] as 'B' | 'KB' | 'MB'];
  },
});
