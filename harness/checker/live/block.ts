import type { Op, RegisterValue } from '../../history/op.ts';

/** An operation that may not have ended yet: `return` and `output` exist only after its end. */
export type Actor = Pick<Op, 'id' | 'f' | 'node' | 'input' | 'call'> & Partial<Pick<Op, 'return' | 'output'>>;

/** A value that one operation leaves, or an append's token that no read has shown yet. */
export class State {
  /** The whole value or, for an append without a place, its token. */
  value: RegisterValue;
  /** The operation that made it; null for the initial state. */
  maker: Actor | null;
  /** Its block; null as long as nothing shows that it ever existed. */
  block: Block | null = null;
  /** Position within the block, from 0. */
  position = 0;

  constructor(value: RegisterValue, maker: Actor | null) {
    this.value = value;
    this.maker = maker;
  }
}

/**
 * A blind write (or the initial state) with the states that were made from it one after another. In every order they
 * are adjacent (`blocks.ts`, `docs/decisions/0014-live-verdict.md`). Only the last state can get a successor.
 */
export class Block {
  /** Time at which the first of its operations ended; -Infinity for the initial block. */
  f: number;
  firstEnd: Actor | null;
  /** Time at which the last of its operations began; -Infinity if none has begun. */
  s: number;
  lastBegin: Actor | null;
  /** True for an append that ended ok and that no read has shown: it may turn out to belong to another block. */
  loose: boolean;
  /** Its index in `BlockOrder`. */
  slot = 0;
  /** The states that a read may still show; the last one is always one of them. */
  readonly #states: State[];
  /**
   * A read that begins after the time with some index must show at least the position with the same index in
   * `#positions`. Both lists increase.
   */
  readonly #times: number[] = [];
  readonly #positions: number[] = [];

  constructor(root: State, options: { f: number; firstEnd: Actor | null; loose?: boolean }) {
    this.#states = [root];
    root.block = this;
    this.f = options.f;
    this.firstEnd = options.firstEnd;
    this.loose = options.loose ?? false;
    this.s = root.maker?.call ?? -Infinity;
    this.lastBegin = root.maker;
  }

  get tail(): State {
    return this.#states.at(-1)!;
  }

  get size(): number {
    return this.#states.length + this.#times.length;
  }

  /** Records an operation on one of its states. Returns true if all earlier ones began before it. */
  begun(actor: Actor): boolean {
    if (actor.call <= this.s) return false;
    this.s = actor.call;
    this.lastBegin = actor;
    return true;
  }

  /** `state` was made from the last one; it, or a later one, was first known at `t`. */
  extend(state: State, t: number): void {
    state.block = this;
    state.position = this.tail.position + 1;
    this.#states.push(state);
    // Later entries with a lower or equal bound are not needed.
    while (this.#times.length > 0 && this.#times.at(-1)! >= t) {
      this.#times.pop();
      this.#positions.pop();
    }
    this.#times.push(t);
    this.#positions.push(state.position);
    if (state.maker !== null) this.begun(state.maker);
  }

  /** The lowest position that an operation may show if it began at `call`. */
  floor(call: number): number {
    const before = firstAtLeast(this.#times, call);
    return before === 0 ? 0 : this.#positions[before - 1]!;
  }

  /** The successor of one of its remembered states; null if there is none yet. */
  after(state: State): State | null {
    return this.#states[state.position + 1 - this.#states[0]!.position] ?? null;
  }

  /** Forgets the states that no operation may show any more if it is open at `horizon` or begins later. */
  forget(horizon: number): readonly State[] {
    const before = firstAtLeast(this.#times, horizon);
    if (before > 1) {
      this.#times.splice(0, before - 1);
      this.#positions.splice(0, before - 1);
    }
    const gone = Math.max(0, this.floor(horizon) - this.#states[0]!.position);
    return gone === 0 ? [] : this.#states.splice(0, gone);
  }

  /** Forgets all its states; only its times still matter. */
  close(): readonly State[] {
    return this.#states.splice(0);
  }
}

/** The index of the first number that is at least `least`; the numbers must be in increasing order. */
export function firstAtLeast(rising: readonly number[], least: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
