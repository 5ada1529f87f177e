import { Allotments } from './allotments.ts';
import { NONE } from '../columns.ts';
import { Configurations } from './configurations.ts';
import { Dominance } from './dominance.ts';
import { ILLEGAL, type Machine, NATURE, type Sights } from './machine.ts';
import { MemoryBudget } from './memory-budget.ts';
import { drop, has, OpenSteps, put } from './open-steps.ts';
import { eventsOf, type Problem, type Reach, type Search, type SearchResult } from './problem.ts';
import { Trail } from './trail.ts';
import { UnknownPools } from './unknown-pools.ts';

type Result = Exclude<SearchResult, { verdict: 'unknown' }> | 'memory';

/** Configurations expanded between clock checks. */
const ROWS_PER_LOOK = 16;
const EVENTS_PER_LOOK = 64;
/** Number of configurations after a return from which on covered ones are removed. */
const FIRST_PRUNE = 1_024;
/** Approximate memory per step besides the configurations, in bytes: events, open steps, the problem itself. */
const BYTES_A_STEP = 40;
/**
 * Words of a row, which is a configuration: state, allotment, set of taken slots, set of hidden slots, mark of its way.
 */
const STATE = 0;
const ALLOTMENT = 1;
const TAKEN = 2;

/**
 * The just-in-time frontier. It processes the events in order of time and keeps all configurations that are possible
 * after the history so far. A configuration is a state and the set of open steps that have taken effect in it. Steps
 * are put in order only when a return requires it: at the return of x, every configuration without x is extended by
 * open steps until it contains x (Lowe, "Testing for linearizability", 2017, § 5).
 *
 * Each of these rules drops only configurations that a kept one covers:
 * 1. As in `WglSearch`, a read is taken as soon as possible.
 * 2. As in `WglSearch`, an unknown step is taken only if it changes the state and the next step depends on that. A
 *    blind write that does not change the state is taken, too, if it hides an open write (rule 4).
 * 3. As in `WglSearch`, of the open steps in one equivalence class, the one that returns first is taken.
 * 4. A blind write is taken only if the next step depends on the state, or when it returns. In any other order it comes
 *    directly before another blind write, which hides it. It need not be placed there before it returns: until then it
 *    is enough to know that a blind write was taken since its call (the set `hidden`). If it is hidden when it returns,
 *    it needs no other place; but if its value may still be seen, the orders in which it takes effect at its return are
 *    kept, too. If it is not hidden when it returns, the write that would hide it can be taken after its return.
 * 5. States that no step without a return can distinguish are merged (`Sights.merged`), and unknown steps that no step
 *    could see are forgotten (`Sights.isIdle`).
 * 6. A configuration is dropped if another one covers it (`Dominance`).
 */
export class FrontierSearch implements Search {
  readonly #problem: Problem;
  readonly #machine: Machine;
  readonly #sights: Sights | null;
  readonly #budget: MemoryBudget;
  readonly #events: Int32Array;
  readonly #open: OpenSteps;
  readonly #pools: UnknownPools;
  readonly #poolOf = new Map<number, number>();
  /** By pool: number of its steps that have already been called. */
  readonly #called: Int32Array;
  readonly #allotments: Allotments;
  readonly #trail: Trail;
  readonly #dominance: Dominance;
  readonly #hidden: number;
  readonly #mark: number;
  #frontier: Configurations;
  /**
   * During a return: the step that returns. `#next` has the resulting configurations; `#queue` and `#owing` have those
   * that are still to be extended.
   */
  #returning: number | null = null;
  #next: Configurations;
  #spare: Configurations;
  readonly #queue: Configurations;
  /** Like `#queue`, but the next step must depend on the state. */
  readonly #owing: Configurations;
  #pruneAt = FIRST_PRUNE;
  /** Buffers for the current row and the row that is made from it. */
  readonly #row: Int32Array;
  readonly #made: Int32Array;
  #returned = 0;
  readonly #walk: Generator<void, Result>;
  readonly #now: () => number;

  /** `now` is the clock of `run`. */
  constructor(problem: Problem, memoryBytes: number, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#problem = problem;
    this.#machine = problem.machine;
    this.#sights = problem.machine.sights?.() ?? null;
    this.#budget = new MemoryBudget(memoryBytes);
    this.#events = eventsOf(problem);
    this.#open = new OpenSteps(problem, this.#events);
    this.#pools = new UnknownPools(problem);
    for (const [pool, steps] of this.#pools.steps.entries())
      for (const step of steps) this.#poolOf.set(step, pool);
    this.#called = new Int32Array(this.#pools.steps.length);
    this.#allotments = new Allotments(this.#budget);
    this.#trail = new Trail(this.#budget);
    this.#hidden = TAKEN + this.#open.words;
    this.#mark = this.#hidden + this.#open.words;
    const length = this.#mark + 1;
    const layout = { state: STATE, allotment: ALLOTMENT, taken: TAKEN, hidden: this.#hidden, length };
    this.#dominance = new Dominance(layout, this.#open, this.#allotments, this.#budget);
    const list = (): Configurations => new Configurations(this.#budget, length);
    [this.#frontier, this.#next, this.#spare, this.#queue, this.#owing] = [
      list(),
      list(),
      list(),
      list(),
      list(),
    ];
    [this.#row, this.#made] = [new Int32Array(length), new Int32Array(length)];
    this.#made[STATE] = this.#machine.initial;
    this.#made[this.#mark] = Trail.start;
    this.#frontier.add(this.#made);
    this.#budget.take(BYTES_A_STEP * problem.steps.length);
    this.#walk = this.#search();
  }

  run(until: number): Result | null {
    for (;;) {
      const next = this.#walk.next();
      if (next.done === true) return next.value;
      if (this.#now() > until) return null;
    }
  }

  reach(): Reach {
    const { certain, steps } = this.#problem;
    return {
      ordered: this.#returned,
      certain: steps.reduce((count, step) => count + certain[step]!, 0),
      at: this.#returning,
      open: this.#open.count,
      unknown: this.#called.reduce((sum, called) => sum + called, 0),
      configurations: this.#frontier.count + this.#next.count + this.#queue.count + this.#owing.count,
    };
  }

  /** The search, with pauses after about equal amounts of work. */
  *#search(): Generator<void, Result> {
    for (const [number, event] of this.#events.entries()) {
      if (number % EVENTS_PER_LOOK === 0) yield;
      const step = this.#problem.steps[event >> 1]!;
      if ((event & 1) === 1) {
        yield* this.#return(step);
        if (this.#budget.isSpent) return 'memory';
        if (this.#next.count === 0) return { verdict: 'violation', prefix: this.#someOrder(), stuck: step };
        yield* this.#finish(step);
      } else if (this.#problem.certain[step] === 1) yield* this.#call(step);
      else if (this.#poolOf.has(step)) this.#called[this.#poolOf.get(step)!]!++;
      if (this.#budget.isSpent) return 'memory';
    }
    return { verdict: 'linearizable', order: this.#someOrder() };
  }

  *#call(step: number): Generator<void, void> {
    const slot = this.#open.add(step);
    if (this.#sights?.isIdle(this.#machine.equivalenceClass[step]!) === true)
      put(this.#dominance.idle, 0, slot);
    if (this.#machine.nature[step] !== NATURE.reads) return;
    yield* this.#frontier.change((row) => {
      if (this.#machine.apply(row[STATE]!, step) === ILLEGAL) return;
      put(row, TAKEN, slot);
      row[this.#mark] = this.#trail.add(row[this.#mark]!, taking(step));
    });
  }

  /** Fills `#next` with the configurations that follow the return of this step. */
  *#return(step: number): Generator<void, void> {
    this.#returning = step;
    for (const list of [this.#next, this.#queue, this.#owing]) list.clear();
    this.#pruneAt = FIRST_PRUNE;
    const slot = this.#open.slotOf(step);
    const row = this.#row;
    for (let number = 0; number < this.#frontier.count; number++) {
      if (number % ROWS_PER_LOOK === ROWS_PER_LOOK - 1) yield;
      this.#frontier.read(number, row);
      if (has(row, TAKEN, slot)) this.#settle(row, slot);
      else {
        if (!has(row, this.#hidden, slot) || !has(this.#dominance.idle, 0, slot)) this.#queue.add(row);
        if (!has(row, this.#hidden, slot)) continue;
        row[this.#mark] = this.#trail.add(row[this.#mark]!, hiding(step));
        this.#settle(row, slot);
      }
      if (this.#next.count >= this.#pruneAt) yield* this.#pruneAgain();
    }
    let queueAt = 0;
    let owingAt = 0;
    for (let rows = 1; !this.#budget.isSpent; rows++) {
      if (rows % ROWS_PER_LOOK === 0) yield;
      if (queueAt < this.#queue.count) {
        this.#queue.read(queueAt++, row);
        this.#expand(row, false);
      } else if (owingAt < this.#owing.count) {
        this.#owing.read(owingAt++, row);
        this.#expand(row, true);
      } else return;
      if (this.#next.count >= this.#pruneAt) yield* this.#pruneAgain();
    }
  }

  #expand(row: Int32Array, owes: boolean): void {
    const { equivalenceClass } = this.#machine;
    const returning = this.#open.slotOf(this.#returning!);
    for (const slot of this.#open.changing(row, TAKEN)) {
      // Such a write is useless: no step can see it, so no step depends on it.
      const isVain = has(this.#dominance.idle, 0, slot) && has(this.#open.overwrites, 0, slot);
      if (!isVain || slot === returning) this.#move(row, owes, this.#open.step[slot]!, slot);
    }
    for (const [pool, steps] of this.#pools.steps.entries()) {
      const used = this.#allotments.used(row[ALLOTMENT]!, pool);
      if (used >= this.#called[pool]!) continue;
      const step = steps[used]!;
      if (
        this.#open.wasOffered(equivalenceClass[step]!) ||
        this.#sights?.isIdle(equivalenceClass[step]!) === true
      )
        continue;
      this.#move(row, owes, step, NONE);
    }
  }

  /** Extends the row by an open step or, if `slot` is NONE, by an unknown step. */
  #move(row: Int32Array, owes: boolean, step: number, slot: number): void {
    const isBlind = this.#machine.nature[step] === NATURE.overwrites;
    if (owes && isBlind) return;
    const left = this.#machine.apply(row[STATE]!, step);
    if (left === ILLEGAL) return;
    const after = this.#sights?.merged(left) ?? left;
    if (slot === NONE && after === row[STATE] && !(isBlind && this.#wouldHide(row))) return;
    const made = this.#made;
    made.set(row);
    made[STATE] = after;
    made[this.#mark] = this.#trail.add(row[this.#mark]!, taking(step));
    if (slot === NONE) {
      made[ALLOTMENT] = this.#allotments.withOneMore(row[ALLOTMENT]!, this.#poolOf.get(step)!);
    } else {
      put(made, TAKEN, slot);
      drop(made, this.#hidden, slot);
    }
    if (isBlind) {
      for (let i = 0; i < this.#open.words; i++)
        made[this.#hidden + i]! |= this.#open.overwrites[i]! & ~made[TAKEN + i]!;
    }
    const isSeen = this.#takeReads(made);
    const returning = this.#open.slotOf(this.#returning!);
    if (has(made, TAKEN, returning)) this.#settle(made, returning);
    else if (!isSeen && (isBlind || slot === NONE)) this.#owing.add(made);
    else this.#queue.add(made);
  }

  /** True if a blind write would now hide an open write that is not hidden yet. */
  #wouldHide(row: Int32Array): boolean {
    for (let i = 0; i < this.#open.words; i++)
      if ((this.#open.overwrites[i]! & ~row[TAKEN + i]! & ~row[this.#hidden + i]!) !== 0) return true;
    return false;
  }

  /** Takes every open read that can be taken now. Returns true if there was one. */
  #takeReads(row: Int32Array): boolean {
    let isSeen = false;
    for (let i = 0; i < this.#open.words; i++) {
      let left = this.#open.reads[i]! & ~row[TAKEN + i]!;
      for (; left !== 0; left &= left - 1) {
        const slot = 32 * i + 31 - Math.clz32(left & -left);
        const step = this.#open.step[slot]!;
        if (this.#machine.apply(row[STATE]!, step) === ILLEGAL) continue;
        put(row, TAKEN, slot);
        row[this.#mark] = this.#trail.add(row[this.#mark]!, taking(step));
        isSeen = true;
      }
    }
    return isSeen;
  }

  /** Adds the row to `#next`, because it contains the step that returns. */
  #settle(row: Int32Array, slot: number): void {
    drop(row, TAKEN, slot);
    drop(row, this.#hidden, slot);
    this.#next.add(row);
  }

  *#pruneAgain(): Generator<void, void> {
    yield* this.#prune();
    this.#pruneAt = Math.max(FIRST_PRUNE, 2 * this.#next.count);
  }

  *#prune(): Generator<void, void> {
    this.#spare.clear();
    yield* this.#dominance.prune(this.#next, this.#spare);
    [this.#next, this.#spare] = [this.#spare, this.#next];
  }

  *#finish(step: number): Generator<void, void> {
    this.#returning = null;
    this.#returned++;
    drop(this.#dominance.idle, 0, this.#open.slotOf(step));
    this.#open.remove(step);
    if (this.#sights?.retire(step) === true) yield* this.#merge(this.#sights);
    if (this.#next.count > 1) yield* this.#prune();
    [this.#frontier, this.#next] = [this.#next, this.#frontier];
    if (!this.#trail.wantsCompaction) return;
    const renamed = yield* this.#trail.compact(this.#frontier.lastWords());
    if (renamed === null) return;
    yield* this.#frontier.change((row) => {
      if (row[this.#mark] !== Trail.start) row[this.#mark] = renamed[row[this.#mark]!]!;
    });
    this.#budget.release(renamed);
  }

  /** Applies rule 5 after a return, when fewer values can be seen. */
  *#merge(sights: Sights): Generator<void, void> {
    const { equivalenceClass } = this.#machine;
    for (const [slot, step] of this.#open.step.entries())
      if (step !== NONE && sights.isIdle(equivalenceClass[step]!)) put(this.#dominance.idle, 0, slot);
    const isIdle = (pool: number): boolean => sights.isIdle(this.#pools.equivalenceClass[pool]!);
    this.#spare.clear();
    yield* this.#next.change((row) => {
      row[STATE] = sights.merged(row[STATE]!);
      row[ALLOTMENT] = this.#allotments.without(row[ALLOTMENT]!, isIdle);
      this.#spare.add(row);
    });
    [this.#next, this.#spare] = [this.#spare, this.#next];
  }

  /** The order of one configuration; each hidden write comes directly before the write that hides it. */
  #someOrder(): number[] {
    this.#frontier.read(0, this.#row);
    const order: { readonly step: number; readonly hides: number[] }[] = [];
    let lastBlind: number[] = [];
    for (const entry of this.#trail.way(this.#row[this.#mark]!)) {
      const step = entry >> 1;
      if (entry === hiding(step)) {
        lastBlind.push(step);
        continue;
      }
      const hides: number[] = [];
      order.push({ step, hides });
      if (this.#machine.nature[step] === NATURE.overwrites) lastBlind = hides;
    }
    return order.flatMap(({ step, hides }) => [...hides, step]);
  }
}

/** Entries of the trail. */
const taking = (step: number): number => 2 * step;
const hiding = (step: number): number => 2 * step + 1;
