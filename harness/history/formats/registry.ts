import { chaosLines } from './chaos-lines.ts';
import type { HistoryFormat } from './history.ts';
import { jepsenEdn } from './jepsen-edn.ts';
import { jepsenLog } from './jepsen-log.ts';
import { json } from './json.ts';
import { withPlainLines } from '../line-ends.ts';
import { porcupineKv } from './porcupine-kv.ts';

/**
 * Every format that can be read. The first one that a text seems to be in is used, so a special format comes before a
 * general one. A new format is a file and a line here.
 */
const FORMATS: readonly HistoryFormat[] = [json, chaosLines, porcupineKv, jepsenEdn, jepsenLog];

export const FORMAT_NAMES: readonly string[] = FORMATS.map(({ name }) => name).sort();

/** The format with this name. Throws if it does not exist, because the command line accepts only known names. */
export function formatNamed(name: string): HistoryFormat {
  const format = FORMATS.find((each) => each.name === name);
  if (format === undefined)
    throw new Error(`no history format ${name}; there are ${FORMAT_NAMES.join(', ')}`);
  return format;
}

/** Number of characters inspected to detect the format. */
const INSPECTED_CHARS = 1_048_576;

/** The format that a text seems to be in, or null. After white space and comments the first character tells most. */
export function detectFormat(text: string): HistoryFormat | null {
  const start = /^(?:[\s,\uFEFF]+|;[^\n\r]*[\n\r])*/.exec(text.slice(0, INSPECTED_CHARS))![0].length;
  const head = withPlainLines(text.slice(start, start + INSPECTED_CHARS));
  return FORMATS.find((format) => format.looksLike(head)) ?? null;
}
