import type { Op, RegisterValue } from '../../history/op.ts';
import { assemble, Lengths } from './assemble.ts';
import { BlockOrder } from './block-order.ts';
import { Block, State, type Actor } from './block.ts';
import * as words from './words.ts';
import type { Finding } from './words.ts';

/** An operation that begins. */
export type Invoked = Actor & Pick<Op, 'key'>;

/** The values do not show which operation wrote them, so checking the key needs a search. */
interface Ambiguity {
  readonly reason: string;
}
type Trouble = Finding | Ambiguity;

export interface LiveOptions {
  /** Number of new states after which unreachable ones are collected; by default, as many as are kept. */
  readonly forgetAfter?: number;
}

const MIN_FORGET_AFTER = 16;

/**
 * Checks one key after every response: do the operations so far have an order, if open ones count as operations with an
 * unknown outcome? A violation is final, so the first finding is the last one. The rules are those of
 * `decideUnambiguous`, limited to the changes by a single response. It remembers the values that an open or later
 * operation may legally show, and the writes with an unknown outcome, which may take effect at any time.
 *
 * Operations must come in order of time; at equal times, beginnings before ends.
 */
export class LiveKey {
  /** Open operations in order of their calls, with the value that each leaves if it takes effect. */
  readonly #open = new Map<number, { readonly call: number; readonly state: State | null }>();
  /** States by value: those that may legally be shown, and the results of writes and CAS that have not been seen. */
  readonly #states = new Map<RegisterValue, State>();
  /** Appends that no read has shown, by token. */
  readonly #tokens = new Map<string, State>();
  readonly #tokenLengths = new Lengths();
  /** Lengths of the values that an append may follow: unseen ones, and the last of each block. */
  readonly #baseLengths = new Lengths();
  readonly #order = new BlockOrder();
  /** CAS operations whose `from` is being looked up. */
  readonly #linking = new Set<State>();
  #now = -Infinity;
  #grown = 0;
  readonly #forgetAfter: number | undefined;
  #forgetAt: number;
  /** The operation that has just ended. */
  #ending: Actor | null = null;
  /** The operation that last showed a new value; it is needed only for texts. */
  #newest: Actor | null = null;
  #finding: Finding | null = null;
  #undecided: string | null = null;

  constructor(options: LiveOptions = {}) {
    this.#forgetAfter = options.forgetAfter;
    this.#forgetAt = options.forgetAfter ?? MIN_FORGET_AFTER;
    const initial = new State(null, null);
    this.#states.set(null, initial);
    this.#order.open(new Block(initial, { f: -Infinity, firstEnd: null }));
  }

  get finding(): Finding | null {
    return this.#finding;
  }

  /** The reason why the key is left to the final check; null if it is checked live. */
  get undecided(): string | null {
    return this.#undecided;
  }

  /** Number of remembered items. */
  get size(): number {
    let size = this.#open.size + this.#states.size + this.#tokens.size + this.#order.size;
    size += this.#tokenLengths.size + this.#baseLengths.size;
    for (const block of this.#order) size += block.size;
    return size;
  }

  invoke(op: Invoked): void {
    if (this.#isOver()) return;
    this.#now = op.call;
    const state = this.#candidate(op);
    if (state !== null && 'reason' in state) return this.#leave(state.reason);
    this.#open.set(op.id, { call: op.call, state });
  }

  /** Returns the first proof that there is no order, or null. */
  complete(op: Op): Finding | null {
    const open = this.#open.get(op.id);
    if (open === undefined) return null;
    this.#open.delete(op.id);
    // The operation has been treated as unknown since its call, so an unknown outcome changes nothing.
    if (op.outcome === 'info') return null;
    this.#now = op.return;
    this.#ending = op;
    const trouble = this.#judge(op, open.state);
    if (trouble === null) {
      if (this.#grown >= this.#forgetAt) this.#forget();
      return null;
    }
    if ('reason' in trouble) {
      this.#leave(trouble.reason);
      return null;
    }
    const opIds = [...new Set([...trouble.opIds, op.id])].sort((a, b) => a - b);
    this.#finding = { ...trouble, opIds };
    this.#clear();
    return this.#finding;
  }

  /** The value that the operation leaves if it takes effect. */
  #candidate(op: Invoked): State | Ambiguity | null {
    if (op.f === 'read') return null;
    const cas = op.f === 'cas';
    const value = cas
      ? (op.input as readonly [RegisterValue, RegisterValue])[1]
      : (op.input as RegisterValue);
    const append = op.f === 'append';
    if (value === null) return { reason: `#${op.id} leaves nothing, as a key holds at first` };
    // After something is appended, an empty value cannot be distinguished from no value.
    if (value === '') return { reason: `#${op.id} leaves or appends the empty value` };
    if (cas && fromOf(op) === value) return { reason: `#${op.id} sets a value to itself` };
    const known: ReadonlyMap<RegisterValue, State> = append ? this.#tokens : this.#states;
    // The known value may be one that cannot be shown any more and can be forgotten.
    if (known.has(value)) this.#forget();
    const twin = known.get(value);
    if (twin !== undefined) return { reason: `#${twin.maker!.id} and #${op.id} leave the same value` };
    const state = new State(value, op);
    if (append) {
      this.#tokens.set(value, state);
      this.#tokenLengths.add(value);
    } else {
      this.#states.set(value, state);
      this.#baseLengths.add(value);
    }
    return state;
  }

  #judge(op: Op, state: State | null): Trouble | null {
    if (op.outcome === 'fail') return this.#failed(op, state);
    if (state === null) return this.#shown(op, op.output ?? null);
    state.maker = op;
    if (state.block !== null) return null;
    if (op.f !== 'cas') {
      this.#root(state, op.f === 'append');
      return null;
    }
    const trouble = this.#happened(state);
    return trouble ?? this.#settle(state.block!);
  }

  /** Handles an operation without an effect. Of the failures, only a CAS mismatch shows the value. */
  #failed(op: Op, state: State | null): Trouble | null {
    if (state === null) return null;
    const { block } = state;
    if (block !== null) {
      const seen = block.lastBegin?.id === op.id ? block.firstEnd : block.lastBegin;
      return words.dirty(op, seen);
    }
    this.#drop(state);
    if (op.f !== 'cas' || op.output === undefined) return null;
    return op.output === fromOf(op) ? words.refused(op, op.output) : this.#shown(op, op.output);
  }

  /** Handles `witness`, which has just ended and shows that the register had this value at some time since its call. */
  #shown(witness: Actor, value: RegisterValue): Trouble | null {
    const state = this.#locate(value, witness);
    if (!(state instanceof State)) return state;
    const block = state.block!;
    if (state.position < block.floor(witness.call)) {
      const next = block.after(state);
      return words.outdated(witness, value, next?.maker ?? null);
    }
    if (block.begun(witness)) this.#newest = witness;
    return this.#settle(block);
  }

  /** Finds the state with this value, which must have existed because `witness` shows it. */
  #locate(value: RegisterValue, witness: Actor): State | Trouble {
    const found = this.#assembled(value);
    switch (found.type) {
      case 'none':
        return words.nowhere(witness, value, this.#newest);
      case 'many':
        return { reason: `${JSON.stringify(value)} can be composed in more than one way` };
      case 'repeats':
        return words.repeated(witness, value, found.token.maker!);
      case 'one': {
        let state = found.base;
        const trouble = state.block === null ? this.#happened(state) : null;
        if (trouble !== null) return trouble;
        for (const append of found.appends) {
          const misfit = this.#attach(state, append);
          if (misfit !== null) return misfit;
          state = append;
        }
        return state;
      }
      default:
        return found satisfies never;
    }
  }

  #assembled(value: RegisterValue): ReturnType<typeof assemble> {
    if (value === null || this.#tokens.size === 0) {
      const base = this.#states.get(value);
      return base === undefined ? { type: 'none' } : { type: 'one', base, appends: [] };
    }
    const initial = this.#states.get(null);
    return assemble(value, {
      states: this.#states,
      baseLengths: this.#baseLengths.all(),
      initial: initial !== undefined && initial.block!.tail === initial ? initial : null,
      tokens: this.#tokens,
      tokenLengths: this.#tokenLengths,
    });
  }

  /** Handles a write or CAS that took effect and whose value was not seen before. */
  #happened(state: State): Trouble | null {
    const maker = state.maker!;
    if (maker.f !== 'cas') {
      this.#root(state, false);
      return null;
    }
    if (this.#linking.has(state)) return words.cycle(maker);
    this.#linking.add(state);
    const from = this.#locate(fromOf(maker), maker);
    this.#linking.delete(state);
    return from instanceof State ? this.#attach(from, state) : from;
  }

  #root(state: State, loose: boolean): void {
    this.#grown++;
    if (!loose) this.#newest = this.#ending;
    this.#order.open(new Block(state, { f: this.#now, firstEnd: this.#ending, loose }));
  }

  /** Appends `state`, which was made from `parent`, to the end of the parent's block. */
  #attach(parent: State, state: State): Trouble | null {
    const block = parent.block!;
    if (block.tail !== parent)
      return words.fork(parent.value, block.after(parent)?.maker ?? null, state.maker!);
    const loose = state.block;
    let t = this.#now;
    if (loose !== null) {
      t = loose.f;
      if (t < block.s) return words.misplaced(state.maker!, block.lastBegin);
      this.#order.merge(block, loose);
    }
    this.#grown++;
    if (parent.value !== null) this.#baseLengths.remove(parent.value);
    if (state.maker!.f === 'append') {
      this.#dropToken(state.value!);
      state.value = (parent.value ?? '') + state.value!;
      this.#states.set(state.value, state);
      this.#baseLengths.add(state.value);
    }
    block.extend(state, t);
    return null;
  }

  #settle(block: Block): Finding | null {
    const rival = this.#order.rival(block);
    return rival === null ? null : words.rivals(block, rival);
  }

  #forget(): void {
    const first = this.#open.values().next();
    const horizon = first.done === true ? this.#now : first.value.call;
    for (const block of this.#order.forget(horizon)) {
      if (block.loose) this.#dropToken(block.tail.value!);
      else {
        if (block.tail.value !== null) this.#baseLengths.remove(block.tail.value);
        for (const state of block.close()) this.#states.delete(state.value);
      }
    }
    for (const block of this.#order) {
      for (const state of block.forget(horizon)) this.#states.delete(state.value);
    }
    this.#grown = 0;
    this.#forgetAt = this.#forgetAfter ?? Math.max(MIN_FORGET_AFTER, this.#order.size + this.#states.size);
  }

  #drop(state: State): void {
    const value = state.value!;
    if (state.maker!.f === 'append') this.#dropToken(value);
    else {
      this.#states.delete(value);
      this.#baseLengths.remove(value);
    }
  }

  #dropToken(text: string): void {
    this.#tokens.delete(text);
    this.#tokenLengths.remove(text);
  }

  #isOver(): boolean {
    return this.#finding !== null || this.#undecided !== null;
  }

  #leave(reason: string): void {
    this.#undecided = reason;
    this.#clear();
  }

  #clear(): void {
    this.#open.clear();
    this.#states.clear();
    this.#tokens.clear();
    this.#order.clear();
  }
}

const fromOf = ({ input }: Actor): RegisterValue => (input as readonly [RegisterValue, string])[0];
