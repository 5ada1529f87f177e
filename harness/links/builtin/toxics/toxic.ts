import type { GoType } from '../go-decode.ts';
import type { Behaviour } from '../stage.ts';

/**
 * Numbers by attribute name. The object of a toxic is shared with its behaviours: an edit is seen with the next
 * chunk.
 */
export type Attributes = Record<string, number>;

/** A kind of toxic: its name, its attributes, and its behaviour. One file each. */
export interface ToxicType {
  /** Go's name of it, which error messages carry. */
  readonly struct: string;
  /** In the order in which the API shows them; all begin as 0. */
  readonly fields: Readonly<Record<string, GoType & ('int' | 'int64')>>;
  /** Chunks that may wait before it while it works on one. */
  readonly capacity: number;
  /** Removing it closes the connections that it was on. */
  readonly closesOnRemoval?: true;
  /** True if connections that begin while it exists are closed with RST, for any reason. */
  readonly resets?: true;
  begin(attributes: Readonly<Attributes>): Behaviour;
}
