import type { Columns } from '../columns.ts';

/** The part of a key's columns that the searches need. It can be sent to another thread. */
export interface RegisterSteps extends Omit<Columns, 'ops' | 'at' | 'id'> {
  /** The values; empty if nothing is appended, because then their numbers are enough. */
  readonly values: Columns['values'];
  readonly valueCount: number;
}
