import type { GoType } from '../go-decode.ts';
import type { Behaviour } from '../stage.ts';

/**
 * Numbers by attribute name. A toxic shares this object with its behaviours, so a change takes effect with the next
 * chunk.
 */
export type Attributes = Record<string, number>;

/** A kind of toxic: its name, its attributes, and its behaviour. One file each. */
export interface ToxicType {
  /** Go's name of the type, which error messages contain. */
  readonly struct: string;
  /** Types of the attributes, in the order in which the API shows them; every attribute is 0 by default. */
  readonly fields: Readonly<Record<string, GoType & ('int' | 'int64')>>;
  /** Maximum number of chunks that wait before the toxic while it handles one. */
  readonly capacity: number;
  /** True if its removal closes the connections that it was on. */
  readonly closesOnRemoval?: true;
  /** True if connections that begin while it exists are closed with RST, for any reason. */
  readonly resets?: true;
  begin(attributes: Readonly<Attributes>): Behaviour;
}
