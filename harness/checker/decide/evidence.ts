import type { RegisterValue } from '../../history/op.ts';
import type { Blocks, Inversion } from './blocks.ts';
import { type Columns, KIND, NONE, stepAt } from '../columns.ts';
import { type Ignored, sightsOfFork } from './split-brain.ts';
import type { States, Trouble } from './states.ts';
import type { Step } from '../steps.ts';

/** A state that the register must have held. */
export interface StateNode {
  /** The step that made it; null for the initial state, which no step wrote. */
  readonly producer: Step | null;
  readonly value: RegisterValue;
}

export interface PlacedStep {
  readonly step: Step;
  readonly node: StateNode;
}

/** A blind write (or the initial state) with everything that must directly follow it. */
export interface Block {
  readonly root: StateNode;
  /** True if some step saw it, or some state was made from it. */
  readonly observed: boolean;
  /**
   * The step that ends first and the step that begins last. Null stands for the creation of the initial state, before
   * all times.
   */
  readonly firstEnd: PlacedStep | null;
  readonly lastBegin: PlacedStep | null;
  /** Times of the two steps. A must come before B iff A.first < B.last. */
  readonly first: number;
  readonly last: number;
}

/** The reason why no order exists, with the steps that prove it. */
export type Contradiction =
  | { readonly type: 'nowhere'; readonly step: Step; readonly value: RegisterValue }
  | { readonly type: 'repeats'; readonly step: Step; readonly token: Step }
  | { readonly type: 'impossible'; readonly step: Step }
  | {
      readonly type: 'fork';
      readonly state: StateNode;
      readonly heirs: readonly [StateNode, StateNode];
      /** The step that first showed the place of a successor; null if the successor is a CAS. */
      readonly shownBy: readonly (Step | null)[];
      /** True if both are appends and some read shows both. */
      readonly bothShown: boolean;
      readonly apart: readonly [Step, Step] | null;
    }
  | { readonly type: 'twice'; readonly token: Step; readonly seen: readonly [Step, Step] }
  | { readonly type: 'cycle'; readonly nodes: readonly StateNode[] }
  | { readonly type: 'inversion'; readonly early: PlacedStep; readonly late: PlacedStep }
  /** `over` had already replaced the value that `back` shows again. */
  | { readonly type: 'blocks'; readonly back: Block; readonly over: Block }
  | { readonly type: 'split'; readonly sides: readonly [Side, Side] };

/** `newer` had already replaced the value that `older` shows again. */
export interface Side {
  readonly older: Block;
  readonly newer: Block;
}

/**
 * Turns the result of the decision, which consists of rows of columns, into objects for texts, with one object per row.
 */
export class Evidence {
  readonly #columns: Columns;
  readonly #states: States;
  readonly #steps = new Map<number, Step>();
  readonly #rows = new Map<Step, number>();
  readonly #nodes = new Map<number, StateNode>();

  constructor(columns: Columns, states: States) {
    this.#columns = columns;
    this.#states = states;
  }

  trouble(trouble: Exclude<Trouble, { type: 'ambiguous' }>): Contradiction {
    const value = (number: number): RegisterValue => this.#columns.values[number]!;
    switch (trouble.type) {
      case 'nowhere':
        return { type: 'nowhere', step: this.#step(trouble.step), value: value(trouble.value) };
      case 'repeats':
        return { type: 'repeats', step: this.#step(trouble.step), token: this.#step(trouble.token) };
      case 'impossible':
        return { type: 'impossible', step: this.#step(trouble.step) };
      case 'fork': {
        const [a, b] = trouble.heirs;
        const areAppends = this.#columns.kind[a] === KIND.append && this.#columns.kind[b] === KIND.append;
        const { bothShown, apart } = areAppends
          ? sightsOfFork(this.#columns, this.#states, trouble.heirs)
          : { bothShown: false, apart: null };
        return {
          type: 'fork',
          state: this.#node(trouble.state),
          heirs: [this.#node(a), this.#node(b)],
          shownBy: trouble.heirs.map((heir) => {
            const shown = this.#states.shownBy[heir]!;
            return shown === NONE ? null : this.#step(shown);
          }),
          bothShown,
          apart: apart === null ? null : [this.#step(apart[0]), this.#step(apart[1])],
        };
      }
      case 'twice': {
        const [a, b] = trouble.seen;
        return { type: 'twice', token: this.#step(trouble.token), seen: [this.#step(a), this.#step(b)] };
      }
      default:
        return trouble satisfies never;
    }
  }

  inversion({ early, late }: Inversion): Contradiction {
    const placed = ({ step, state }: Inversion['early']): PlacedStep => ({
      step: this.#step(step),
      node: this.#node(state),
    });
    return { type: 'inversion', early: placed(early), late: placed(late) };
  }

  /** The ring that the parents of `state` lead into. */
  cycle(state: number): Contradiction {
    const { parent } = this.#states;
    const walked = new Set<number>();
    let at = state;
    for (; !walked.has(at); at = parent[at]!) walked.add(at);
    const ring = [at];
    for (let before = parent[at]!; before !== at; before = parent[before]!) ring.push(before);
    return { type: 'cycle', nodes: ring.reverse().map((made) => this.#node(made)) };
  }

  conflict(blocks: Blocks, [back, over]: readonly [number, number]): Contradiction {
    return { type: 'blocks', back: this.#block(blocks, back), over: this.#block(blocks, over) };
  }

  split(blocks: Blocks, [x, y]: readonly [Ignored, Ignored]): Contradiction {
    const side = ({ older, newer }: Ignored): Side => ({
      older: this.#block(blocks, older),
      newer: this.#block(blocks, newer),
    });
    return { type: 'split', sides: [side(x), side(y)] };
  }

  /**
   * Rows of the given steps and of all steps that they depend on. These are the writers of the values that they show,
   * and the steps that prove that an unknown step took effect, or where an append took effect. The result proves as
   * much about the given steps as the whole history does.
   */
  support(steps: readonly Step[]): Int32Array {
    const closed = new Set<Step>();
    // A known step needs no other witness, so known steps are added first.
    for (const step of steps) if (step.certain && step.kind !== 'append') this.#close(step, closed);
    for (const step of steps) {
      if (closed.has(step)) continue;
      const witness = this.#states.witness[this.#rows.get(step)!]!;
      if (witness !== NONE) this.#close(this.#step(witness), closed);
      this.#close(step, closed);
    }
    return Int32Array.from(closed, (step) => this.#rows.get(step)!).sort();
  }

  /** Adds the step, the step that left the value that it shows, the step before that one, and so on. */
  #close(start: Step, closed: Set<Step>): void {
    const queue = [start];
    for (let step = queue.pop(); step !== undefined; step = queue.pop()) {
      if (closed.has(step)) continue;
      closed.add(step);
      if (step.kind !== 'read' && step.kind !== 'cas') continue;
      const traced = this.#states.values.trace(this.#columns.from[this.#rows.get(step)!]!);
      if (traced.type !== 'origin') continue;
      queue.push(...traced.origin.appends.map((token) => this.#step(token)));
      if (traced.origin.base !== NONE) queue.push(this.#step(traced.origin.base));
    }
  }

  #step(row: number): Step {
    let step = this.#steps.get(row);
    if (step === undefined) {
      step = stepAt(this.#columns, row);
      this.#steps.set(row, step);
      this.#rows.set(step, row);
    }
    return step;
  }

  #node(state: number): StateNode {
    let node = this.#nodes.get(state);
    if (node === undefined) {
      const { initial } = this.#states;
      node = {
        producer: state === initial ? null : this.#step(state),
        value: this.#valueOf(state),
      };
      this.#nodes.set(state, node);
    }
    return node;
  }

  #valueOf(state: number): RegisterValue {
    const { initial, parent } = this.#states;
    const { kind, to, values } = this.#columns;
    const tokens: RegisterValue[] = [];
    let at = state;
    for (; at !== NONE && at !== initial && kind[at] === KIND.append; at = parent[at]!)
      tokens.push(values[to[at]!]!);
    // An append that was never seen has no parent, because its place is unknown.
    const base = at === NONE || at === initial ? null : values[to[at]!]!;
    return tokens.length === 0 ? base : [base ?? '', ...tokens.reverse()].join('');
  }

  #block({ root, first, last, firstStep, lastStep }: Blocks, block: number): Block {
    const { heir, firstReader } = this.#states;
    const start = root[block]!;
    return {
      root: this.#node(start),
      observed: firstReader[start] !== NONE || heir[start] !== NONE,
      firstEnd: this.#placed(start, firstStep[block]!),
      lastBegin: this.#placed(start, lastStep[block]!),
      first: first[block]!,
      last: last[block]!,
    };
  }

  /** A step of the block that begins with `root`, and the state it made or saw. */
  #placed(root: number, step: number): PlacedStep | null {
    const { heir, firstReader, nextReader } = this.#states;
    for (let state = root; state !== NONE; state = heir[state]!) {
      let found = state === step;
      for (let reader = firstReader[state]!; reader !== NONE && !found; reader = nextReader[reader]!)
        found = reader === step;
      if (found) return { step: this.#step(step), node: this.#node(state) };
    }
    return null;
  }
}
