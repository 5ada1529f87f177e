/**
 * A line of the node's log: `message` is for people, `event` and `fields` are for programs. An event's name is stable;
 * a message may be reworded.
 */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Name in kebab case, such as `peer-connection-lost`. */
  readonly event: string;
  readonly message: string;
  readonly fields?: LogFields;
}

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;
export type Log = (line: LogLine) => void;
