import { type Columns, KIND, NEVER_WRITTEN, NONE } from '../columns.ts';
import { Values } from './values.ts';

/** The reason why no order exists, as rows of the columns. A state is named by the step that made it. */
export type Trouble =
  | { readonly type: 'nowhere'; readonly step: number; readonly value: number }
  | { readonly type: 'repeats'; readonly step: number; readonly token: number }
  | { readonly type: 'impossible'; readonly step: number }
  /** Two steps that each turned the same state into another one. */
  | { readonly type: 'fork'; readonly state: number; readonly heirs: readonly [number, number] }
  /** An append that follows two different states. */
  | { readonly type: 'twice'; readonly token: number; readonly seen: readonly [number, number] }
  /** Not a contradiction: a value may have been made in more than one way. */
  | { readonly type: 'ambiguous'; readonly reason: string };

/**
 * The states that the register must have had, and the state from which each was made. A state has the number of the
 * step that made it. The initial state has the number `initial`, which belongs to no step.
 *
 * Rules (each is exact for a key on which every value that a step depends on has one writer):
 * - A known write, CAS or append took effect. An unknown one took effect if a step that took effect shows its value.
 * - A value that was read was made by its writer. A CAS follows directly after the state that it found. A state has at
 *   most one heir of this kind, because no step restores a value.
 * - A value with appends shows the order of its tokens. Each token's state is the heir of the state before it.
 * - An unknown step that made none of these states is left out: no step depends on the state that it would leave, so an
 *   order that contains it is also an order without it.
 */
export class States {
  readonly initial: number;
  /** By state: 1 if the register must have had it. */
  readonly made: Uint8Array;
  /** By state: the state from which it was made, or NONE if that can be any (after a blind write) or is not known. */
  readonly parent: Int32Array;
  /** By state: the state that was made from it, or NONE. */
  readonly heir: Int32Array;
  /**
   * By state: the first read that saw it. `nextReader` has, by read, the next read of the same state. Both are in order
   * of invocation.
   */
  readonly firstReader: Int32Array;
  readonly nextReader: Int32Array;
  /**
   * By step that made a state: the known step that first showed the state. For a known write or CAS, this is the step
   * itself.
   */
  readonly witness: Int32Array;
  /** By append that made a state: the read or CAS whose value first showed its place. */
  readonly shownBy: Int32Array;
  readonly values: Values;
  /** Number of states. */
  count = 0;
  readonly #columns: Columns;
  readonly #lastReader: Int32Array;
  /** States made by a CAS whose parents have not been looked up yet. */
  readonly #unlinked: number[] = [];
  /**
   * `#looking`: the known step under examination. `#asking`: the step whose `from` is examined, which is the same step,
   * or a CAS whose state it needs.
   */
  #looking = NONE;
  #asking = NONE;

  constructor(columns: Columns) {
    const { size } = columns;
    this.#columns = columns;
    this.values = new Values(columns);
    this.initial = size;
    this.made = new Uint8Array(size + 1);
    const none = (): Int32Array => new Int32Array(size + 1).fill(NONE);
    [this.parent, this.heir, this.witness, this.shownBy] = [none(), none(), none(), none()];
    [this.firstReader, this.nextReader, this.#lastReader] = [none(), none(), none()];
    this.made[this.initial] = 1;
    this.count = 1;
  }

  /**
   * Finds every state that known steps show, until nothing changes. Returns the first contradiction or ambiguity, or
   * null.
   */
  see(): Trouble | null {
    const { size, kind, certain, from } = this.#columns;
    const empty = this.values.emptyAppend();
    if (empty !== null) return { type: 'ambiguous', reason: empty };
    for (let i = 0; i < size; i++) {
      if (certain[i] === 0) continue;
      this.#looking = i;
      this.#asking = i;
      const k = kind[i]!;
      if (k === KIND.read) {
        const state = this.#stateOf(from[i]!);
        if (typeof state !== 'number') return state;
        this.#read(state, i);
      } else if (k === KIND.write || k === KIND.cas) this.#make(i);
      else if (k === KIND.impossible) return { type: 'impossible', step: i };
      const trouble = this.#unlinked.length === 0 ? null : this.#link();
      if (trouble !== null) return trouble;
    }
    this.#looking = NONE;
    // Appends that no step saw are made last. No step depends on their states, so they are like blind writes of values
    // that are never seen.
    for (let i = 0; i < size; i++) if (kind[i] === KIND.append && certain[i] === 1) this.#make(i);
    return null;
  }

  #read(state: number, reader: number): void {
    const last = this.#lastReader[state]!;
    if (last === NONE) this.firstReader[state] = reader;
    else this.nextReader[last] = reader;
    this.#lastReader[state] = reader;
  }

  #make(step: number): void {
    if (this.made[step] === 1) return;
    this.made[step] = 1;
    this.count++;
    this.witness[step] = this.#looking;
    if (this.#columns.kind[step] === KIND.cas) this.#unlinked.push(step);
  }

  /** The state with this value, or the reason why there is none. */
  #stateOf(value: number): number | Trouble {
    if (value === NEVER_WRITTEN) {
      const reason = this.values.initialAmbiguity();
      return reason === null ? this.initial : { type: 'ambiguous', reason };
    }
    if (this.values.areParsed) return this.#parsedState(value);
    const base = this.values.baseOf(value);
    if (base === NONE) return { type: 'nowhere', step: this.#asking, value };
    const reason = this.values.ambiguity(value);
    if (reason !== null) return { type: 'ambiguous', reason };
    this.#make(base);
    return base;
  }

  #parsedState(value: number): number | Trouble {
    const traced = this.values.trace(value);
    if (traced.type === 'nowhere') return { type: 'nowhere', step: this.#asking, value };
    if (traced.type === 'repeats') return { type: 'repeats', step: this.#asking, token: traced.token };
    if (traced.type === 'ambiguous') return traced;
    const { base, appends } = traced.origin;
    let state = base === NONE ? this.initial : base;
    if (base !== NONE) this.#make(base);
    for (const token of appends) {
      if (this.made[token] === 1) {
        if (this.parent[token] !== state)
          return { type: 'twice', token, seen: [this.shownBy[token]!, this.#asking] };
      } else {
        this.#make(token);
        this.shownBy[token] = this.#asking;
        const trouble = this.#follow(state, token);
        if (trouble !== null) return trouble;
      }
      state = token;
    }
    return state;
  }

  /** Links every state that a CAS made to its parent, which may show further states. */
  #link(): Trouble | null {
    for (let cas = this.#unlinked.pop(); cas !== undefined; cas = this.#unlinked.pop()) {
      this.#asking = cas;
      const from = this.#stateOf(this.#columns.from[cas]!);
      const trouble = typeof from === 'number' ? this.#follow(from, cas) : from;
      if (trouble !== null) return trouble;
    }
    return null;
  }

  #follow(state: number, heir: number): Trouble | null {
    const other = this.heir[state]!;
    if (other !== NONE) return { type: 'fork', state, heirs: [other, heir] };
    this.heir[state] = heir;
    this.parent[heir] = state;
    return null;
  }
}
