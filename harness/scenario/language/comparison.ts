import { FIGURE_REFERENCE } from '../../names.ts';
import { z } from 'zod';
import { report } from '../../nemesis/mistake.ts';
import { formatDuration, parseDuration } from '../../duration.ts';

type Operator = '<' | '<=' | '=' | '>=' | '>';
type Field = 'term' | 'commit-index';

/** `"> 5"`, `">= $old.term"`, or a bare number (equal to it). Durations are in ms. */
export interface Comparison {
  readonly operator: Operator;
  readonly value: number | { readonly name: string; readonly field: Field };
  readonly unit?: 'ms';
}

/** What `bind:` stores: the chosen nodes, and term and commit index that the first of them had at that moment. */
export interface Binding {
  readonly nodes: readonly string[];
  readonly term: number;
  readonly commitIndex: number;
}

const NUMBER = /^(<=|>=|<|>|=)?\s*(\d+(?:\.\d+)?)$/;
const DURATION = /^(<=|>=|<|>|=)\s*(\S+)$/;

/** Field with a comparison. The number may be one that a bound node had. */
export const comparison: z.ZodType<Comparison, string | number> = z
  .union([
    z
      .number({ error: 'expected a comparison such as `> 5` or `> $old.term`' })
      .transform((value): Comparison => ({ operator: '=', value })),
    z.string().transform((text, context): Comparison => {
      const parsed = parseComparison(text.trim());
      if (parsed !== null) return parsed;
      report(context, {
        what: `not a comparison: \`${text}\``,
        hint: 'write one such as `"> 5"` or `"> $old.term"`',
      });
      return z.NEVER;
    }),
  ])
  .meta({ description: 'A number, or a comparison such as "> 5", "<= 10", "> $old.term"' });

function parseComparison(text: string): Comparison | null {
  const number = NUMBER.exec(text);
  if (number !== null) return { operator: (number[1] ?? '=') as Operator, value: Number(number[2]) };
  const reference = FIGURE_REFERENCE.exec(text);
  if (reference === null) return null;
  return {
    operator: (reference[1] ?? '=') as Operator,
    value: { name: reference[2]!, field: reference[3] as Field },
  };
}

/** `"< 2s"`. */
export const durationComparison: z.ZodType<Comparison, string> = z
  .string({ error: 'expected a comparison with a duration, such as `"< 2s"`' })
  .transform((text, context): Comparison => {
    const match = DURATION.exec(text.trim());
    const value = match === null ? null : parseDuration(match[2]!);
    if (value !== null) return { operator: match![1] as Operator, value, unit: 'ms' };
    report(context, {
      what: `not a comparison with a duration: \`${text}\``,
      hint: 'write one such as `"< 2s"`',
    });
    return z.NEVER;
  })
  .meta({ description: 'A comparison with a duration, such as "< 2s"' });

export function compare(
  seen: number,
  { operator, value }: Comparison,
  bound: ReadonlyMap<string, Binding>,
): boolean {
  const wanted = typeof value === 'number' ? value : figure(value, bound);
  switch (operator) {
    case '<':
      return seen < wanted;
    case '<=':
      return seen <= wanted;
    case '=':
      return seen === wanted;
    case '>=':
      return seen >= wanted;
    case '>':
      return seen > wanted;
    default:
      return operator satisfies never;
  }
}

/** `> 4 ($old.term)`. */
export function formatComparison(
  { operator, value, unit }: Comparison,
  bound: ReadonlyMap<string, Binding> = new Map(),
): string {
  if (typeof value === 'number') return `${operator} ${unit === 'ms' ? formatDuration(value) : value}`;
  const reference = `$${value.name}.${value.field}`;
  return bound.has(value.name)
    ? `${operator} ${figure(value, bound)} (${reference})`
    : `${operator} ${reference}`;
}

function figure(
  { name, field }: { readonly name: string; readonly field: Field },
  bound: ReadonlyMap<string, Binding>,
): number {
  const binding = bound.get(name);
  // The loader refuses names that are never bound. The name of a skipped step (`on-empty: skip`) is not bound either,
  // and no comparison with it holds.
  if (binding === undefined) return Number.NaN;
  return field === 'term' ? binding.term : binding.commitIndex;
}
