import { EdnError } from './edn.ts';
import type { HistoryFormat } from './history.ts';
import { ednEvents } from './jepsen-edn.ts';

/** So much of a text is looked at for what it is. */
const LOOKED_AT = 1_048_576;
const LOG_LINE = /^\s*(?:\d+|:\S+)\s+:(?:invoke|ok|fail|info)\s/;

/** The format that a text seems to be in, or null. Behind space and comments the first character tells most. */
export function detectFormat(text: string): HistoryFormat | null {
  const start = /^(?:[\s,\uFEFF]+|;[^\n]*\n)*/.exec(text.slice(0, LOOKED_AT))![0].length;
  const head = text.slice(start, start + LOOKED_AT);
  // A list of JSON is our lines' nearest kin: there the error says what a line is.
  if (/^(?:\[\s*)?\{\s*"/.test(head)) return 'chaos';
  if (/^(?:\{|[[(]\s*(?:[{#\])]|$)|#)/.test(head)) return firstHasKey(head) ? 'porcupine-kv' : 'jepsen-edn';
  if (LOG_LINE.test(head) || head.includes('jepsen.util')) return 'jepsen-log';
  return null;
}

/** Porcupine names the key beside the value, Jepsen within it. */
function firstHasKey(text: string): boolean {
  try {
    for (const { key } of ednEvents(text)) return key !== undefined;
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
  }
  return false;
}
