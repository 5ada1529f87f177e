import type { RegisterValue } from '../history/op.ts';
import { applyStep, type Step } from './steps.ts';
import { ConfigurationSet } from './configuration-set.ts';

export interface SearchLimits {
  /** On `performance.now`'s clock. */
  readonly deadline: number;
  readonly memoryBytes: number;
}

export type SearchResult =
  | { readonly verdict: 'linearizable'; readonly order: readonly Step[] }
  /**
   * `prefix`: the longest order that was found; `stuck`: what had to come next and could not, with the state
   * it met.
   */
  | {
      readonly verdict: 'violation';
      readonly prefix: readonly Step[];
      readonly stuck: Step;
      readonly state: RegisterValue;
    }
  | { readonly verdict: 'unknown'; readonly reason: string };

/**
 * Wing and Gong's search with Lowe's linked list and memo ("Testing for linearizability", 2017), for one key:
 * take any step that was invoked before the first end still in the list; on a dead end go back; never visit
 * the same (set of steps taken, state) twice.
 *
 * Three rules keep it small where chaos makes it hard. Each only leaves out orders that another, kept order
 * stands for:
 * 1. A step that leaves the state as it is (a read) is taken at once when it may be, with nothing else tried:
 *    in any order that takes it later it can be moved here; the state is the same, and nothing that is left
 *    must precede it.
 * 2. A step with an unknown outcome is taken only if the next step depends on the state (a read, a CAS, an
 *    append). Else leave it out of the order: what follows is a blind write or nothing, to which the state
 *    before is all one. Moving reads forward (1) and leaving steps out (2) each make an order earlier or
 *    shorter, so doing both comes to an end.
 * 3. Of unknown steps alike in all but the time of invocation the earliest goes first: swap any order that
 *    has it otherwise.
 */
export function search(steps: readonly Step[], limits: SearchLimits): SearchResult {
  return new Search(needed(steps), limits).run();
}

/**
 * An unknown write or CAS leaves a value; where no step asks for a value like it, rule 2 never lets it be
 * taken.
 */
function needed(steps: readonly Step[]): Step[] {
  if (steps.some((step) => step.kind === 'differs' || step.kind === 'append')) return [...steps];
  const asked = new Set(
    steps.filter((step) => step.kind === 'read' || step.kind === 'cas').map((step) => step.from),
  );
  return steps.filter((step) => step.certain || asked.has(step.to));
}

/** How many moves between two looks at the clock. */
const MOVES_PER_LOOK = 1_024;

class Search {
  /**
   * Known outcomes first, each part in order of invocation: so the taken ones among the first are a prefix
   * and a short window.
   */
  readonly #steps: readonly Step[];
  readonly #certain: number;
  readonly #limits: SearchLimits;
  /**
   * Lowe's list over events: 2i is step i's invocation, 2i + 1 its end (none for an unknown one).
   * `#next`/`#prev` are shifted by one, so that 0 is the head; an index of 0 in `#next` ends the list.
   */
  readonly #next: Int32Array;
  readonly #prev: Int32Array;
  readonly #taken: Uint32Array;
  readonly #twin: Int32Array;
  readonly #states = new Map<string, number>([['', 0]]);
  readonly #values: RegisterValue[] = [null];
  readonly #seen: ConfigurationSet;
  /**
   * Where nothing but appends changes the state: the longest value read. Every state is a beginning of it, or
   * goes on from it.
   */
  readonly #longest: string | null;
  #left: number;

  constructor(steps: readonly Step[], limits: SearchLimits) {
    this.#limits = limits;
    const certain = steps.filter((step) => step.certain);
    this.#steps = [...certain, ...steps.filter((step) => !step.certain)];
    this.#certain = certain.length;
    this.#left = certain.length;
    this.#next = new Int32Array(2 * this.#steps.length + 1);
    this.#prev = new Int32Array(2 * this.#steps.length + 1);
    // The window of the known and the unknown start at words of their own.
    this.#taken = new Uint32Array(words(this.#certain) + words(this.#steps.length - this.#certain));
    this.#seen = new ConfigurationSet({
      certainWords: words(this.#certain),
      memoryBytes: limits.memoryBytes,
    });
    this.#twin = this.#findTwins();
    this.#longest = longestRead(steps);
    this.#linkEvents();
  }

  run(): SearchResult {
    /**
     * Steps taken, and per step: the state before it, whether it owes an observer (rule 2), where to go on
     * after going back.
     */
    const path: number[] = [];
    const before: number[] = [];
    const owedBefore: boolean[] = [];
    let state = 0;
    let owed = false;
    let best: { prefix: number[]; stuck: number; state: number; left: number } | null = null;
    let cursor = this.#next[0]!;
    let moves = 0;
    while (this.#left > 0) {
      if (++moves % MOVES_PER_LOOK === 0 && performance.now() > this.#limits.deadline) {
        return { verdict: 'unknown', reason: this.#howFar('the time limit', best?.left ?? this.#left) };
      }
      const move = this.#nextMove(cursor, state, owed);
      if (move !== null) {
        this.#take(move.step);
        if (
          isFree(this.#steps[move.step]!) ||
          this.#seen.add(move.state * 2 + Number(move.owes), this.#taken)
        ) {
          if (this.#seen.full)
            return { verdict: 'unknown', reason: this.#howFar('the memory limit', best?.left ?? this.#left) };
          path.push(move.step);
          before.push(state);
          owedBefore.push(owed);
          state = move.state;
          owed = move.owes;
          cursor = this.#next[0]!;
          continue;
        }
        this.#giveBack(move.step);
        cursor = this.#next[1 + 2 * move.step]!;
        continue;
      }
      if (best === null || this.#left < best.left) {
        best = { prefix: [...path], stuck: this.#firstToEnd(), state, left: this.#left };
      }
      // Dead end: go back to the last step that had an alternative (rule 1: a read has none).
      for (;;) {
        const last = path.pop();
        if (last === undefined) return this.#violation(best);
        this.#giveBack(last);
        state = before.pop()!;
        owed = owedBefore.pop()!;
        if (isFree(this.#steps[last]!)) continue;
        cursor = this.#next[1 + 2 * last]!;
        break;
      }
    }
    return { verdict: 'linearizable', order: path.map((index) => this.#steps[index]!) };
  }

  /**
   * The next step to try at or behind `cursor` (an event, shifted by one), with the state it leaves and
   * whether it owes an observer.
   */
  #nextMove(
    cursor: number,
    state: number,
    owed: boolean,
  ): { step: number; state: number; owes: boolean } | null {
    // Rule 1 looks only when the list is entered from its head; coming back to the middle of it, no read was
    // there to take.
    if (cursor === this.#next[0]) {
      for (let event = cursor; event !== 0 && isCall(event); event = this.#next[event]!) {
        const index = (event - 1) >> 1;
        const step = this.#steps[index]!;
        if (isFree(step) && applyStep(step, this.#values[state]!) !== undefined)
          return { step: index, state, owes: false };
      }
    }
    for (let event = cursor; event !== 0 && isCall(event); event = this.#next[event]!) {
      const index = (event - 1) >> 1;
      const step = this.#steps[index]!;
      if (isFree(step)) continue;
      if (owed && step.kind === 'write') continue;
      if (!step.certain && this.#twin[index]! >= 0 && !this.#isTaken(this.#twin[index]!)) continue;
      const after = applyStep(step, this.#values[state]!);
      if (after !== undefined && this.#leadsOn(after))
        return { step: index, state: this.#stateNumber(after), owes: !step.certain };
    }
    return null;
  }

  #leadsOn(state: RegisterValue): boolean {
    if (this.#longest === null || state === null) return true;
    return state.length <= this.#longest.length
      ? this.#longest.startsWith(state)
      : state.startsWith(this.#longest);
  }

  /** Marks a step as taken and unlinks its events. */
  #take(index: number): void {
    const bit = this.#bit(index);
    this.#taken[bit >> 5]! |= 1 << (bit & 31);
    this.#unlink(1 + 2 * index);
    if (this.#steps[index]!.certain) {
      this.#unlink(2 + 2 * index);
      this.#left--;
    }
  }

  #giveBack(index: number): void {
    const bit = this.#bit(index);
    this.#taken[bit >> 5]! &= ~(1 << (bit & 31));
    if (this.#steps[index]!.certain) {
      this.#relink(2 + 2 * index);
      this.#left++;
    }
    this.#relink(1 + 2 * index);
  }

  #bit(index: number): number {
    return index < this.#certain ? index : 32 * words(this.#certain) + index - this.#certain;
  }

  #isTaken(index: number): boolean {
    const bit = this.#bit(index);
    return (this.#taken[bit >> 5]! & (1 << (bit & 31))) !== 0;
  }

  #unlink(event: number): void {
    this.#next[this.#prev[event]!] = this.#next[event]!;
    // The end of the list is the head again, whose `prev` is then the last event: harmless, and no branch.
    this.#prev[this.#next[event]!] = this.#prev[event]!;
  }

  #relink(event: number): void {
    this.#next[this.#prev[event]!] = event;
    this.#prev[this.#next[event]!] = event;
  }

  #stateNumber(value: RegisterValue): number {
    if (value === null) return 0;
    // 'v' keeps the empty string apart from null.
    const key = `v${value}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    this.#states.set(key, this.#values.length);
    return this.#values.push(value) - 1;
  }

  /**
   * The known step that ends first of those left: what every order must take before anything invoked after
   * its end.
   */
  #firstToEnd(): number {
    for (let event = this.#next[0]!; event !== 0; event = this.#next[event]!)
      if (!isCall(event)) return (event - 1) >> 1;
    throw new Error('nothing is left to take, yet the search is stuck');
  }

  #linkEvents(): void {
    const events: number[] = [];
    for (let i = 0; i < this.#steps.length; i++) {
      events.push(1 + 2 * i);
      if (this.#steps[i]!.certain) events.push(2 + 2 * i);
    }
    const timeOf = (event: number): number => {
      const step = this.#steps[(event - 1) >> 1]!;
      return isCall(event) ? step.call : step.ret;
    };
    // At equal times invocations come first: then the two are concurrent.
    events.sort((a, b) => timeOf(a) - timeOf(b) || Number(isCall(b)) - Number(isCall(a)) || a - b);
    let last = 0;
    for (const event of events) {
      this.#next[last] = event;
      this.#prev[event] = last;
      last = event;
    }
    this.#next[last] = 0;
    this.#prev[0] = last;
  }

  /** Per unknown step: the one before it that is alike, or −1. */
  #findTwins(): Int32Array {
    const twins = new Int32Array(this.#steps.length).fill(-1);
    const lastAlike = new Map<string, number>();
    for (let i = this.#certain; i < this.#steps.length; i++) {
      const { kind, from, to } = this.#steps[i]!;
      const alike = JSON.stringify([kind, from, to]);
      twins[i] = lastAlike.get(alike) ?? -1;
      lastAlike.set(alike, i);
    }
    return twins;
  }

  #howFar(limit: string, left: number): string {
    return `${limit} was reached after ${this.#certain - left} of ${this.#certain} operations could be ordered`;
  }

  #violation(best: { prefix: readonly number[]; stuck: number; state: number } | null): SearchResult {
    if (best === null) throw new Error('no dead end was seen, yet no order was found');
    return {
      verdict: 'violation',
      prefix: best.prefix.map((index) => this.#steps[index]!),
      stuck: this.#steps[best.stuck]!,
      state: this.#values[best.state]!,
    };
  }
}

function longestRead(steps: readonly Step[]): string | null {
  if (steps.some((step) => step.kind === 'write' || step.kind === 'cas')) return null;
  const values = steps.flatMap((step) => (step.kind === 'read' && step.from !== null ? [step.from] : []));
  return values.reduce<string | null>(
    (longest, value) => (longest === null || value.length > longest.length ? value : longest),
    null,
  );
}

const words = (bits: number): number => (bits + 31) >> 5;
/** Events are shifted by one: odd ones are invocations. */
const isCall = (event: number): boolean => (event & 1) === 1;
/** Leaves the state as it is. */
const isFree = (step: Step): boolean =>
  step.kind === 'read' || step.kind === 'differs' || step.kind === 'impossible';
