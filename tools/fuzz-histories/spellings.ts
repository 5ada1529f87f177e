import type { Random } from '../../harness/random.ts';

/** Errors of a failed CAS that say that the value was another one. */
export const MISMATCHES = ['cas-mismatch', 'value-mismatch', 'not-equal', 'unexpected-value'] as const;

/** Different ways to name the processes of a history, as EDN: process 1 never has the name of another one. */
export function randomNames(random: Random): (process: number) => string {
  return random.pick<(process: number) => string>([
    String,
    (process) => `:c${process}`,
    (process) => `"${process}"`,
    (process) => `"client ${process}"`,
    (process) =>
      [String, (n: number) => `"${n}"`, (n: number) => `:${n}`][process % 3]!(Math.floor(process / 3)),
    (process) => `worker-${process}`,
  ]);
}

/** The text with the line ends of another system, and perhaps a byte order mark. */
export function withLineEnds(text: string, random: Random): string {
  const mark = random.float() < 0.2 ? '\uFEFF' : '';
  return mark + text.replaceAll('\n', random.pick(['\n', '\n', '\r\n', '\r']));
}
