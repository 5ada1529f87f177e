/** A key's state. `present: false` with a value is a tombstone; with null the key was never written. */
export interface Register {
  readonly present: boolean;
  readonly value: string | null;
}

/** Number of registers that each write moves back after the end of a freeze. It is more than a write can add. */
const MOVES_PER_WRITE = 8;

/**
 * Registers by key, in order of their first write. While they are frozen, their state at the freeze can be read, and
 * changes go to a second map. After the freeze each write moves a few of these changes back. So no single operation
 * takes long, even if there are many registers.
 */
export class Registers implements Iterable<readonly [string, Register]> {
  /** Registers that are not written while frozen. No key is ever removed. */
  readonly #base: Map<string, Register>;
  /** Registers that were written since the freeze and are not moved back yet; null: none. */
  #changes: Map<string, Register> | null = null;
  /** Iterator over `#changes` while they are moved back; null: frozen, or nothing to move. */
  #moving: Iterator<[string, Register]> | null = null;

  constructor(registers: Map<string, Register> = new Map()) {
    this.#base = registers;
  }

  get(key: string): Register | undefined {
    return this.#changes?.get(key) ?? this.#base.get(key);
  }

  set(key: string, register: Register): void {
    const changes = this.#changes;
    if (changes === null) {
      this.#base.set(key, register);
    } else if (this.#moving === null) {
      changes.set(key, register);
    } else {
      // A new key is added after older ones, because the order must not depend on the time of a node's snapshot.
      if (this.#base.has(key) && !changes.has(key)) this.#base.set(key, register);
      else changes.set(key, register);
      this.#moveBack(MOVES_PER_WRITE);
    }
  }

  /** Keeps the present state for iteration until `thaw`. */
  freeze(): void {
    if (this.#changes !== null && this.#moving === null) throw new Error('the registers are frozen already');
    this.#moveBack(Infinity);
    this.#changes = new Map();
  }

  /** Ends the freeze. Iterators from before must not be used any more. */
  thaw(): void {
    this.#moving = this.#changes?.entries() ?? null;
    this.#moveBack(MOVES_PER_WRITE);
  }

  /** Iterates over the state at the freeze. Use it only while frozen. */
  [Symbol.iterator](): Iterator<readonly [string, Register]> {
    return this.#base.entries();
  }

  #moveBack(most: number): void {
    for (let moved = 0; moved < most && this.#moving !== null; moved++) {
      const next = this.#moving.next();
      if (next.done) {
        this.#moving = null;
        this.#changes = null;
      } else {
        const [key, register] = next.value;
        this.#changes!.delete(key);
        this.#base.set(key, register);
      }
    }
  }
}
