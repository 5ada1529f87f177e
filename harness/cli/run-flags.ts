import type { ReporterKind } from './reporter.ts';

/** Where runs happen: real processes on this machine, or simulated nodes under virtual time. */
export const STAGES = ['local', 'sim'] as const;
export type StageName = (typeof STAGES)[number];

/** The options of `chaos run`, as the command line gave them. */
export interface RunFlags {
  readonly all?: true;
  readonly seed?: number;
  readonly testCount: number;
  readonly reporter?: ReporterKind;
  readonly out: string;
  readonly stage: StageName;
  readonly toxiproxy?: string;
  readonly node?: string;
  readonly keep?: true;
  readonly watchOnly?: true;
  readonly stopOnViolation?: true;
  readonly version: string;
}
