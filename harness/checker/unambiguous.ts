import type { RegisterValue } from '../history/op.ts';
import {
  type Block,
  buildBlock,
  conflictingPair,
  type Inversion,
  orderBlocks,
  type StateNode,
} from './blocks.ts';
import type { Step } from './steps.ts';
import { Values } from './values.ts';

/** Why no order exists, with the steps it rests on. */
export type Contradiction =
  | { readonly type: 'nowhere'; readonly step: Step; readonly value: RegisterValue }
  | { readonly type: 'repeats'; readonly step: Step; readonly token: Step }
  | { readonly type: 'impossible'; readonly step: Step }
  /** Two steps that each turned the one state into another. */
  | { readonly type: 'fork'; readonly state: StateNode; readonly heirs: readonly [StateNode, StateNode] }
  /** An append that stands behind two different states. */
  | { readonly type: 'twice'; readonly token: Step; readonly seen: readonly [Step, Step] }
  | { readonly type: 'cycle'; readonly nodes: readonly StateNode[] }
  | { readonly type: 'inversion'; readonly inversion: Inversion }
  | { readonly type: 'blocks'; readonly pair: readonly [Block, Block] };

export type Decision =
  | { readonly verdict: 'linearizable'; readonly order: readonly Step[] }
  | {
      readonly verdict: 'violation';
      readonly contradiction: Contradiction;
      /** `States.support` */
      readonly support: (steps: readonly Step[]) => Step[];
    }
  | { readonly verdict: 'ambiguous'; readonly reason: string };

/**
 * Decides a key on which every write, CAS and append leaves a value of its own, in O(n log n) and without
 * search (after Gibbons and Korach, "Testing shared memories", 1997, who show it for registers; CAS and
 * appends only tie states together).
 *
 * A value held once is held over one stretch of any order, since one step makes it and nothing brings it
 * back. So a state (`StateNode`), its readers and whatever was made from it stand together in a forced
 * sequence, a block, and blocks are only ordered among each other: `blocks.ts` has those rules and their
 * proofs.
 *
 * Unknown outcomes: a step that made a state which a known step saw (or which such a state was made from)
 * took effect. Leave any other unknown step out: nobody depends on the state it would leave, so an order with
 * it stays one without it.
 *
 * Known appends that no value shows: nobody depends on the state they leave, so they are like blind writes of
 * a value never seen.
 */
export function decideUnambiguous(steps: readonly Step[]): Decision {
  const values = new Values(steps);
  if (values.ambiguity !== null) return { verdict: 'ambiguous', reason: values.ambiguity };
  const states = new States(values);
  const violation = (contradiction: Contradiction): Decision => ({
    verdict: 'violation',
    contradiction,
    support: (rest) => states.support(rest),
  });
  const trouble = states.see(steps);
  if (trouble !== null)
    return 'reason' in trouble ? { verdict: 'ambiguous', ...trouble } : violation(trouble);

  const blocks: Block[] = [];
  for (const root of states.roots(steps)) {
    const block = buildBlock(root);
    if ('early' in block) return violation({ type: 'inversion', inversion: block });
    blocks.push(block);
  }
  const cycle = states.cycle(blocks);
  if (cycle !== null) return violation({ type: 'cycle', nodes: cycle });
  const pair = conflictingPair(blocks);
  if (pair !== null) return violation({ type: 'blocks', pair });
  // What is left are failed CAS that do not say what they found: they only forbid orders, but to place them
  // takes a search.
  const opaque = steps.find((step) => step.kind === 'differs');
  if (opaque !== undefined)
    return { verdict: 'ambiguous', reason: `#${opaque.op.id} failed without saying what it found` };
  return { verdict: 'linearizable', order: orderBlocks(blocks) };
}

/** What stops the look-through: a contradiction, or a value that could be put together in two ways. */
type Trouble = Contradiction | { readonly reason: string };

/** The states that must have been, and how they follow from each other. */
class States {
  readonly #values: Values;
  readonly #byProducer = new Map<Step | null, StateNode>();
  /** Made by a CAS, its `from` not looked up yet. */
  readonly #unlinked: StateNode[] = [];
  /**
   * Per producer: the known step that first showed the state it made (itself, if it is a known write or CAS).
   */
  readonly #witness = new Map<Step, Step>();
  /** The known step that is being looked at. */
  #looking: Step | null = null;

  constructor(values: Values) {
    this.#values = values;
  }

  /** Every state that known steps show, to a fixed point; or the first contradiction or ambiguity in them. */
  see(steps: readonly Step[]): Trouble | null {
    for (const step of steps) {
      if (!step.certain) continue;
      this.#looking = step;
      let trouble: Trouble | null = null;
      if (step.kind === 'impossible') return { type: 'impossible', step };
      if (step.kind === 'read') {
        const node = this.#stateOf(step.from, step);
        if ('producer' in node) node.readers.push(step);
        else trouble = node;
      }
      if (step.kind === 'write' || step.kind === 'cas') this.#made(step);
      trouble ??= this.#link();
      if (trouble !== null) return trouble;
    }
    return null;
  }

  /** Where chains begin: the initial state, blind writes, and known appends that nobody saw. */
  roots(steps: readonly Step[]): StateNode[] {
    for (const step of steps) if (step.kind === 'append' && step.certain) this.#made(step);
    this.#initial();
    return [...this.#byProducer.values()].filter((node) => node.parent === null);
  }

  /** States that no block holds: they were made from each other, in a ring. */
  cycle(blocks: readonly Block[]): StateNode[] | null {
    const held = new Set(blocks.flatMap((block) => block.nodes));
    const start = [...this.#byProducer.values()].find((node) => !held.has(node));
    if (start === undefined) return null;
    // Along the parents one gets into the ring; then once around it.
    const walked = new Set<StateNode>();
    let node = start;
    while (!walked.has(node)) {
      walked.add(node);
      node = node.parent!;
    }
    const ring = [node];
    for (let at = node.parent!; at !== node; at = at.parent!) ring.push(at);
    return ring.reverse();
  }

  /**
   * The given steps with all that they rest on, so that the set says no less about them than the whole
   * history does: who wrote what they show, and who saw that an unknown one took effect, or where an append
   * came to stand.
   */
  support(steps: readonly Step[]): Step[] {
    const closed = new Set<Step>();
    const witnesses = steps
      .filter((step) => !step.certain || step.kind === 'append')
      .map((step) => this.#witness.get(step));
    const queue = [...steps, ...witnesses.filter((step) => step !== undefined)];
    for (let step = queue.pop(); step !== undefined; step = queue.pop()) {
      if (closed.has(step)) continue;
      closed.add(step);
      if (step.kind !== 'read' && step.kind !== 'cas') continue;
      const traced = this.#values.trace(step.from);
      if (traced.type === 'origin') queue.push(...traced.origin.appends);
      if (traced.type === 'origin' && traced.origin.base !== null) queue.push(traced.origin.base);
    }
    return [...closed].sort((a, b) => a.call - b.call || a.op.id - b.op.id);
  }

  #initial(): StateNode {
    return this.#node(null, null);
  }

  #made(step: Step): StateNode {
    return this.#node(step, step.kind === 'append' ? null : step.to);
  }

  #node(producer: Step | null, value: RegisterValue): StateNode {
    let node = this.#byProducer.get(producer);
    if (node === undefined) {
      node = { producer, value, parent: null, readers: [], next: null };
      this.#byProducer.set(producer, node);
      if (producer !== null && this.#looking !== null) this.#witness.set(producer, this.#looking);
      if (producer?.kind === 'cas') this.#unlinked.push(node);
    }
    return node;
  }

  #stateOf(value: RegisterValue, witness: Step): StateNode | Trouble {
    const traced = this.#values.trace(value);
    switch (traced.type) {
      case 'nowhere':
        return { type: 'nowhere', step: witness, value };
      case 'repeats':
        return { type: 'repeats', step: witness, token: traced.token };
      case 'ambiguous':
        return { reason: `${JSON.stringify(value)} can be put together in more than one way` };
      case 'origin': {
        let node = traced.origin.base === null ? this.#initial() : this.#made(traced.origin.base);
        for (const append of traced.origin.appends) {
          const after = this.#afterAppend(node, append, witness);
          if (!('producer' in after)) return after;
          node = after;
        }
        return node;
      }
      default:
        return traced satisfies never;
    }
  }

  #afterAppend(state: StateNode, append: Step, witness: Step): StateNode | Trouble {
    const known = this.#byProducer.get(append);
    if (known !== undefined) {
      const first = this.#witness.get(append)!;
      return known.parent === state ? known : { type: 'twice', token: append, seen: [first, witness] };
    }
    const node = this.#node(append, (state.value ?? '') + append.to!);
    return this.#follow(state, node) ?? node;
  }

  /** Ties every state that a CAS made to the one it was made from; that may show further states. */
  #link(): Trouble | null {
    for (let node = this.#unlinked.pop(); node !== undefined; node = this.#unlinked.pop()) {
      const from = this.#stateOf(node.producer!.from, node.producer!);
      if (!('producer' in from)) return from;
      const trouble = this.#follow(from, node);
      if (trouble !== null) return trouble;
    }
    return null;
  }

  #follow(state: StateNode, heir: StateNode): Trouble | null {
    if (state.next !== null) return { type: 'fork', state, heirs: [state.next, heir] };
    state.next = heir;
    heir.parent = state;
    return null;
  }
}
