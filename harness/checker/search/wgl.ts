import { ConfigurationSet } from './configuration-set.ts';
import { ILLEGAL, NATURE } from './machine.ts';
import { MemoryBudget } from './memory-budget.ts';
import { eventsOf, type Problem, type Reach, type Search, type SearchResult } from './problem.ts';
import { UnknownPools } from './unknown-pools.ts';

/** Number of moves between two checks of the clock. */
const MOVES_PER_LOOK = 256;
/**
 * Approximate memory per step besides the configurations, in bytes: the list of events, the current path, the longest
 * path.
 */
const BYTES_A_STEP = 80;
const FULL_WORD = -1;
/** Value before the first move and after the last. */
const NO_MOVE = -1;

/**
 * Wing and Gong's search with Lowe's linked list and memo ("Testing for linearizability", 2017): take any step that was
 * called before the first return in the remaining list; go back at a dead end; never visit the same pair (set of taken
 * steps, state) twice.
 *
 * Three rules reduce the work on histories with many unknown outcomes. Each one drops only orders that can be turned
 * into a kept one:
 * 1. A step that never changes the state (a read) is taken as soon as possible, and no other step is tried. In any
 *    order that takes it later, it can be moved to this place: the state is the same, and no remaining step must come
 *    before it.
 * 2. A step with an unknown outcome is taken only if it changes the state and the next step depends on that (a read, a
 *    CAS, an append). Otherwise it is left out of the order, because the next step is a blind write, which does not
 *    depend on the state, or there is no next step. Moving reads forward (1) and leaving steps out (2) each make an
 *    order earlier or shorter, so applying both repeatedly ends.
 * 3. Of equivalent steps that can all be taken now, the one that returns first is taken. Steps with an unknown outcome
 *    come last, in order of their calls. If an order has two of them in the opposite order, they can be exchanged: the
 *    one that is then later was already called, and it returns later.
 *
 * The number of a move is the position of a known step in #steps, or a higher number for a pool of unknown steps.
 */
export class WglSearch implements Search {
  readonly #problem: Problem;
  readonly #unknown: UnknownPools;
  /** Steps with a known outcome, in order of call. */
  readonly #steps: Int32Array;
  /** By known step, and after these by pool: 1 if another one is in the same equivalence class. */
  readonly #hasTwin: Uint8Array;
  /**
   * Lowe's list over the events of known steps: 1 + 2i is the call of #steps[i], 2 + 2i its return. 0 is the head, and
   * an index of 0 in `#next` ends the list.
   */
  readonly #next: Int32Array;
  readonly #prev: Int32Array;
  /** By step of the problem: the position in time of its call; `#returnAt` has that of its return. */
  readonly #callAt: Map<number, number> = new Map();
  readonly #returnAt: Int32Array;
  /** One bit per known step. */
  readonly #taken: Int32Array;
  /**
   * Words of `#taken` that can have both ones and zeros: all words before the first are full, and all from the end on
   * are empty.
   */
  #firstWord = 0;
  #endWord = 0;
  readonly #budget: MemoryBudget;
  readonly #seen: ConfigurationSet;
  readonly #record: Int32Array;
  #left: number;

  /**
   * The current path: its moves and, for the time before each move, the state and whether the next step had to depend
   * on it (rule 2).
   */
  readonly #path: number[] = [];
  readonly #stepsTaken: number[] = [];
  readonly #before: number[] = [];
  readonly #owedBefore: boolean[] = [];
  #state: number;
  #owed = false;
  /** The move that was last tried at the current end of the path. */
  #tried = NO_MOVE;

  /**
   * The longest order that was found; below, the step that was stuck after it, and the number of known steps that
   * remained.
   */
  #best: number[] = [];
  #bestStuck: number | null = null;
  #bestLeft = Infinity;
  /** Number of moves of the path that are still the same as in `#best`. */
  #sameAsBest = 0;

  constructor(problem: Problem, memoryBytes: number) {
    const { machine, steps, certain } = problem;
    this.#problem = problem;
    this.#unknown = new UnknownPools(problem);
    this.#steps = steps.filter((step) => certain[step] === 1);
    this.#left = this.#steps.length;
    this.#hasTwin = new Uint8Array(this.#left + this.#unknown.steps.length);
    const inClass = new Map<number, number>();
    for (const step of this.#steps)
      inClass.set(machine.equivalenceClass[step]!, (inClass.get(machine.equivalenceClass[step]!) ?? 0) + 1);
    for (const [i, step] of this.#steps.entries())
      if (inClass.get(machine.equivalenceClass[step]!)! > 1) this.#hasTwin[i] = 1;
    for (const [pool, equivalenceClass] of this.#unknown.equivalenceClass.entries())
      if (inClass.has(equivalenceClass)) this.#hasTwin[this.#left + pool] = 1;
    this.#state = machine.initial;
    this.#next = new Int32Array(2 * this.#left + 1);
    this.#prev = new Int32Array(2 * this.#left + 1);
    this.#returnAt = new Int32Array(this.#left);
    this.#taken = new Int32Array((this.#left + 31) >> 5);
    this.#budget = new MemoryBudget(memoryBytes);
    this.#budget.take(BYTES_A_STEP * steps.length);
    this.#seen = new ConfigurationSet(this.#budget);
    this.#record = new Int32Array(2 + this.#taken.length + this.#unknown.packed.length);
    this.#linkEvents();
  }

  run(until: number): Exclude<SearchResult, { verdict: 'unknown' }> | 'memory' | null {
    for (let moves = 1; this.#left > 0; moves++) {
      if (moves % MOVES_PER_LOOK === 0 && performance.now() > until) return null;
      if (this.#budget.isSpent) return 'memory';
      if (this.#tried === NO_MOVE && this.#takeRead()) continue;
      if (this.#step()) continue;
      this.#noteBest();
      if (!this.#goBack()) {
        if (this.#bestStuck === null) throw new Error('no dead end was seen, yet no order was found');
        return { verdict: 'violation', prefix: this.#best, stuck: this.#bestStuck };
      }
    }
    return { verdict: 'linearizable', order: [...this.#stepsTaken] };
  }

  reach(): Reach {
    const certain = this.#steps.length;
    const at = this.#bestStuck;
    const { call, ret } = this.#problem;
    const around = (step: number): boolean =>
      at !== null && call[step]! <= ret[at]! && ret[step]! >= call[at]!;
    return {
      ordered: certain - Math.min(this.#bestLeft, this.#left),
      certain,
      at,
      open: this.#steps.reduce((count, step) => count + Number(around(step)), 0),
      unknown: this.#unknown.steps.flat().filter(around).length,
      configurations: this.#seen.size,
    };
  }

  /** Applies rule 1. */
  #takeRead(): boolean {
    const { machine } = this.#problem;
    for (let event = this.#next[0]!; isCall(event); event = this.#next[event]!) {
      const i = (event - 1) >> 1;
      const step = this.#steps[i]!;
      if (machine.nature[step] !== NATURE.reads) continue;
      if (machine.apply(this.#state, step) === ILLEGAL) continue;
      this.#push(i, step);
      this.#take(i);
      this.#owed = false;
      return true;
    }
    return false;
  }

  /** Makes the next move that leads to a new configuration. Returns false if there is none. */
  #step(): boolean {
    const { machine } = this.#problem;
    const known = this.#steps.length;
    for (let move = this.#nextMove(); move !== NO_MOVE; move = this.#nextMove()) {
      this.#tried = move;
      const isKnown = move < known;
      const step = isKnown ? this.#steps[move]! : this.#unknown.next(move - known)!;
      if (this.#owed && machine.nature[step] === NATURE.overwrites) continue;
      const after = machine.apply(this.#state, step);
      if (after === ILLEGAL || (!isKnown && after === this.#state)) continue;
      if (isKnown) this.#take(move);
      else this.#unknown.take(move - known);
      if (!this.#isNew(after, !isKnown)) {
        if (this.#budget.isSpent) return true;
        if (isKnown) this.#giveBack(move);
        else this.#unknown.giveBack(move - known);
        continue;
      }
      this.#push(move, step);
      this.#state = after;
      this.#owed = !isKnown;
      this.#tried = NO_MOVE;
      return true;
    }
    return false;
  }

  /** The next move after `#tried` that real time and rule 3 allow, never a read. */
  #nextMove(): number {
    const { machine } = this.#problem;
    const known = this.#steps.length;
    if (this.#tried < known) {
      let event = this.#next[this.#tried === NO_MOVE ? 0 : 1 + 2 * this.#tried]!;
      for (; isCall(event); event = this.#next[event]!) {
        const i = (event - 1) >> 1;
        const step = this.#steps[i]!;
        if (machine.nature[step] === NATURE.reads) continue;
        if (this.#hasTwin[i] === 1 && this.#firstTwin(machine.equivalenceClass[step]!) !== i) continue;
        return i;
      }
    }
    const end = this.#firstReturn();
    for (let pool = Math.max(0, this.#tried + 1 - known); pool < this.#unknown.steps.length; pool++) {
      const step = this.#unknown.next(pool);
      if (step === undefined || this.#callAt.get(step)! > end) continue;
      if (
        this.#hasTwin[known + pool] === 1 &&
        this.#firstTwin(this.#unknown.equivalenceClass[pool]!) !== NO_MOVE
      )
        continue;
      return known + pool;
    }
    return NO_MOVE;
  }

  /** The step of this class that returns first, of the known steps that can be taken now. */
  #firstTwin(equivalenceClass: number): number {
    let first = NO_MOVE;
    for (let event = this.#next[0]!; isCall(event); event = this.#next[event]!) {
      const i = (event - 1) >> 1;
      if (this.#problem.machine.equivalenceClass[this.#steps[i]!] !== equivalenceClass) continue;
      if (first === NO_MOVE || this.#returnAt[i]! < this.#returnAt[first]!) first = i;
    }
    return first;
  }

  /** Position in time of the first remaining return; steps that were called after it cannot be taken yet. */
  #firstReturn(): number {
    let event = this.#next[0]!;
    while (isCall(event)) event = this.#next[event]!;
    return event === 0 ? Infinity : this.#returnAt[(event - 2) >> 1]!;
  }

  #push(move: number, step: number): void {
    this.#path.push(move);
    this.#stepsTaken.push(step);
    this.#before.push(this.#state);
    this.#owedBefore.push(this.#owed);
  }

  /**
   * Goes back to the last move that had an alternative (a read has none, because of rule 1). Returns false if there is
   * none.
   */
  #goBack(): boolean {
    const known = this.#steps.length;
    for (;;) {
      const move = this.#path.pop();
      if (move === undefined) return false;
      const step = this.#stepsTaken.pop()!;
      this.#sameAsBest = Math.min(this.#sameAsBest, this.#path.length);
      if (move < known) this.#giveBack(move);
      else this.#unknown.giveBack(move - known);
      this.#state = this.#before.pop()!;
      this.#owed = this.#owedBefore.pop()!;
      if (this.#problem.machine.nature[step] === NATURE.reads) continue;
      this.#tried = move;
      return true;
    }
  }

  #noteBest(): void {
    if (this.#left >= this.#bestLeft) return;
    this.#best.length = this.#sameAsBest;
    this.#best.push(...this.#stepsTaken.slice(this.#sameAsBest));
    this.#sameAsBest = this.#best.length;
    this.#bestLeft = this.#left;
    let event = this.#next[0]!;
    while (isCall(event)) event = this.#next[event]!;
    this.#bestStuck = this.#steps[(event - 2) >> 1]!;
  }

  #isNew(state: number, owes: boolean): boolean {
    const taken = this.#taken;
    const record = this.#record;
    while (this.#endWord > this.#firstWord && taken[this.#endWord - 1] === 0) this.#endWord--;
    let length = 0;
    record[length++] = 2 * state + Number(owes);
    record[length++] = this.#firstWord;
    for (let i = this.#firstWord; i < this.#endWord; i++) record[length++] = taken[i]!;
    const { packed } = this.#unknown;
    for (let i = 0; i < packed.length; i++) record[length++] = packed[i]!;
    return this.#seen.add(record, length);
  }

  /** Marks a known step as taken and removes its events from the list. */
  #take(i: number): void {
    const word = i >> 5;
    this.#taken[word]! |= 1 << (i & 31);
    while (this.#taken[this.#firstWord] === FULL_WORD) this.#firstWord++;
    this.#endWord = Math.max(this.#endWord, word + 1);
    this.#unlink(1 + 2 * i);
    this.#unlink(2 + 2 * i);
    this.#left--;
  }

  #giveBack(i: number): void {
    const word = i >> 5;
    this.#taken[word]! &= ~(1 << (i & 31));
    this.#firstWord = Math.min(this.#firstWord, word);
    this.#endWord = Math.max(this.#endWord, word + 1);
    this.#relink(2 + 2 * i);
    this.#relink(1 + 2 * i);
    this.#left++;
  }

  #unlink(event: number): void {
    const prev = this.#prev[event]!;
    const next = this.#next[event]!;
    this.#next[prev] = next;
    // At the end of the list, `next` is the head, whose `prev` becomes the last event. This does no harm and avoids a
    // branch.
    this.#prev[next] = prev;
  }

  #relink(event: number): void {
    this.#next[this.#prev[event]!] = event;
    this.#prev[this.#next[event]!] = event;
  }

  #linkEvents(): void {
    const { steps, certain } = this.#problem;
    const events = eventsOf(this.#problem);
    // Position among the known steps, by position among all steps; both have the same order.
    const known = new Int32Array(steps.length);
    for (let place = 0, i = 0; place < steps.length; place++)
      if (certain[steps[place]!] === 1) known[place] = i++;
    let last = 0;
    for (let at = 0; at < events.length; at++) {
      const place = events[at]! >> 1;
      const step = steps[place]!;
      const isReturn = (events[at]! & 1) === 1;
      if (certain[step] === 0) {
        this.#callAt.set(step, at);
        continue;
      }
      const i = known[place]!;
      if (isReturn) this.#returnAt[i] = at;
      const linked = isReturn ? 2 + 2 * i : 1 + 2 * i;
      this.#next[last] = linked;
      this.#prev[linked] = last;
      last = linked;
    }
    this.#next[last] = 0;
    this.#prev[0] = last;
  }
}

/** True if an event of the list is a call: odd numbers are calls, even numbers are returns, and 0 is the end. */
const isCall = (event: number): boolean => (event & 1) === 1;
