import type { ReporterKind } from './reporter.ts';

/** The options of `chaos run`, as the command line gave them. */
export interface RunFlags {
  readonly all?: true;
  readonly seed?: number;
  readonly testCount: number;
  readonly reporter?: ReporterKind;
  readonly out: string;
  readonly toxiproxy?: string;
  readonly node?: string;
  readonly keep?: true;
  readonly watchOnly?: true;
  readonly stopOnViolation?: true;
  readonly version: string;
}
