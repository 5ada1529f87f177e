import type { Op, RegisterValue } from '../../history/op.ts';

/** An operation so far: `return` and `output` exist after it has ended. */
export type Actor = Pick<Op, 'id' | 'f' | 'node' | 'input' | 'call'> & Partial<Pick<Op, 'return' | 'output'>>;

/** A value that one operation leaves, or an append's token that no read has shown yet. */
export class State {
  /** The whole value; for an append without a place: its token. */
  value: RegisterValue;
  /** null: the initial state. */
  maker: Actor | null;
  /** null: there is no sign that it ever existed. */
  block: Block | null = null;
  /** Within the block, from 0. */
  position = 0;

  constructor(value: RegisterValue, maker: Actor | null) {
    this.value = value;
    this.maker = maker;
  }
}

/**
 * A blind write (or the initial state) with the states that were made from it one after the other. In every order they
 * are next to each other (`blocks.ts`, `docs/decisions/0014-live-verdict.md`). Only the last state can get a successor.
 */
export class Block {
  /** Time at which the first of its operations ended; -Infinity: the initial block. */
  f: number;
  firstEnd: Actor | null;
  /** When the last of its operations began; -Infinity: none has. */
  s: number;
  lastBegin: Actor | null;
  /** An append that ended ok and that no read has shown: it may yet turn out to belong to another block. */
  loose: boolean;
  /** Its place in `BlockOrder`. */
  slot = 0;
  /** The states that a read may still show, the last one always among them. */
  readonly #states: State[];
  /**
   * Times from which on a read must show at least the position with the same index in `#positions`. Both lists
   * increase.
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

  /** Notes an operation that concerns one of its states. Returns true if no earlier one began as late. */
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
    // A later step that says less adds nothing.
    while (this.#times.length > 0 && this.#times.at(-1)! >= t) {
      this.#times.pop();
      this.#positions.pop();
    }
    this.#times.push(t);
    this.#positions.push(state.position);
    if (state.maker !== null) this.begun(state.maker);
  }

  /** The lowest position that an operation which began at `call` may show. */
  floor(call: number): number {
    const before = firstAtLeast(this.#times, call);
    return before === 0 ? 0 : this.#positions[before - 1]!;
  }

  /** The successor of one of its remembered states; null: there is none yet. */
  after(state: State): State | null {
    return this.#states[state.position + 1 - this.#states[0]!.position] ?? null;
  }

  /** Forgets the states that an operation may not show if it is open at `horizon` or begins later. */
  forget(horizon: number): readonly State[] {
    const before = firstAtLeast(this.#times, horizon);
    if (before > 1) {
      this.#times.splice(0, before - 1);
      this.#positions.splice(0, before - 1);
    }
    const gone = Math.max(0, this.floor(horizon) - this.#states[0]!.position);
    return gone === 0 ? [] : this.#states.splice(0, gone);
  }

  /** Forgets all its states: only its times still count. */
  close(): readonly State[] {
    return this.#states.splice(0);
  }
}

/** The index of the first of rising numbers that is at least `least`. */
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
