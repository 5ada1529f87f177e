import type { LogLine } from '../replica/log.ts';

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/**
 * One line, without its end (as text: continued on more, where the message has more). `at` is wall-clock time: a log is
 * read beside those of other machines.
 */
export function formatLogLine(format: LogFormat, line: LogLine, node: string, at: Date): string {
  const { level, event, message, fields } = line;
  const time = at.toISOString();
  if (format === 'json') return JSON.stringify({ time, level, event, node, message, ...without(fields) });
  return `${time} ${level} ${indented(message)}`;
}

const ENVELOPE = new Set(['time', 'level', 'event', 'node', 'message']);

/** No field can pass for a part of the envelope. */
function without(fields: LogLine['fields']): object {
  return Object.fromEntries(Object.entries(fields ?? {}).filter(([name]) => !ENVELOPE.has(name)));
}

/**
 * What a peer or a client sent may be quoted in a message, and a stack has lines: none of them looks like a line of its
 * own.
 */
function indented(text: string): string {
  return text.replaceAll(/[\r\n]+/g, '\n    ');
}
