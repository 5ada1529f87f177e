import type { LogLine } from '../replica/log.ts';

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/**
 * Formats one log line, without its end. As text, a message of several lines gives several lines. `at` is wall-clock
 * time, because a log is compared with those of other machines.
 */
export function formatLogLine(format: LogFormat, line: LogLine, node: string, at: Date): string {
  const { level, event, message, fields } = line;
  const time = at.toISOString();
  if (format === 'json') return JSON.stringify({ time, level, event, node, message, ...without(fields) });
  return `${time} ${level} ${indented(message)}`;
}

const ENVELOPE = new Set(['time', 'level', 'event', 'node', 'message']);

/** Removes fields that have the name of a common field of the line. */
function without(fields: LogLine['fields']): object {
  return Object.fromEntries(Object.entries(fields ?? {}).filter(([name]) => !ENVELOPE.has(name)));
}

/**
 * A message may quote bytes of a peer or a client, and a stack has several lines: none of them must look like a log
 * line of its own.
 */
function indented(text: string): string {
  return text.replaceAll(/[\r\n]+/g, '\n    ');
}
