import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Capability } from '../ports/capability.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { LinkId, Links } from '../ports/links.ts';
import type { ClusterState } from '../view/cluster-state.ts';
import type { FaultSnapshots } from './fault-evidence.ts';
import type { LinkLedger } from './link-ledger.ts';
import type { NodeLedger } from './node-ledger.ts';
import type { Selector } from './selector.ts';

/** Everything that a fault can act on. */
export interface World {
  readonly cluster: Cluster;
  readonly links: Links;
  readonly state: ClusterState;
  readonly linkLedger: LinkLedger;
  readonly nodeLedger: NodeLedger;
  readonly clock: Clock;
}

/** Nodes at the ends of the links that a fault has chosen. An end that the step does not name is empty. */
export interface LinkEnds {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

/** Chooses nodes and links when a step starts. Each call throws `EmptyMatch` if nothing matches. */
export interface Targets {
  readonly nodes: readonly string[];
  readonly links: readonly LinkId[];
  /** `end` is the end of the links for which the nodes are chosen, if the fault has ends. */
  readonly select: (selector: Selector, end?: keyof LinkEnds) => readonly string[];
}

/**
 * The targets of a step cannot be chosen: a selector matches nothing, or the chosen groups overlap. The loader refuses
 * the step if that is always so. Otherwise the run ends inconclusive, unless the step says `on-empty: skip`.
 */
export class EmptyMatch extends Error {
  override readonly name = 'EmptyMatch';
  /** The part of the spec that is wrong. */
  readonly path: readonly (string | number)[];

  constructor(message: string, path: readonly (string | number)[] = []) {
    super(message);
    this.path = path;
  }
}

export interface InjectContext {
  /** Id of the live fault in the ledgers. */
  readonly handle: string;
  /** Aborts when the fault is healed or the run ends. */
  readonly signal: AbortSignal;
  /** Marks the fault as in effect before `inject` resolves (multi-stage faults). */
  readonly inEffect: () => void;
}

/** The effect of a fault on the chosen targets, and its own healing. */
export interface FaultAction {
  /** Short description with resolved names: `cut n1<->n2 n1<->n3`. */
  readonly text: string;
  /** Nodes that the fault is aimed at. `bind:` names these, or both ends if there are ends. */
  readonly nodes: readonly string[];
  readonly links: readonly LinkId[];
  /** Nodes at the ends of the links; absent if the fault does not choose links by their ends. */
  readonly ends?: LinkEnds;
  /** Injects the fault and returns once it is confirmed. */
  inject(world: World, context: InjectContext): Promise<void>;
  /**
   * Undoes the effects that the ledgers do not undo; the nemesis itself removes the fault from the ledgers. Idempotent.
   */
  heal?(world: World, context: InjectContext): Promise<void>;
  /** Describes the evidence that the fault took effect; null if there is none. */
  evidence(span: FaultSnapshots): string | null;
}

/** A fault with its targets chosen. `lasting`: see `FaultKind`. */
export interface AimedFault extends FaultAction {
  readonly lasting: boolean;
}

/** One kind of fault: a verb of the scenario language. */
export interface FaultKind {
  readonly verb: string;
  readonly summary: string;
  readonly schema: z.ZodType;
  /** False for a momentary fault (a reset, a restart), which needs no healing. */
  readonly lasting: boolean;
  /** Capabilities that the system and the stage must have. */
  needs(spec: unknown): readonly Capability[];
  /** Time in ms after which the spec itself heals the fault (`restart-after`); null if the spec has no such time. */
  lifetimeMs(spec: unknown): number | null;
  aim(spec: unknown, targets: Targets): AimedFault;
}

/**
 * Makes a kind of fault. The type of its functions' argument follows from its schema, because the loader passes only
 * parsed specs.
 */
export function defineFault<Schema extends z.ZodType>(kind: {
  readonly verb: string;
  readonly summary: string;
  readonly schema: Schema;
  readonly lasting: boolean;
  /** A list, or a function of the spec. */
  readonly needs: readonly Capability[] | ((spec: z.output<Schema>) => readonly Capability[]);
  lifetimeMs?(spec: z.output<Schema>): number | null;
  aim(spec: z.output<Schema>, targets: Targets): FaultAction;
}): FaultKind {
  const { verb, summary, schema, lasting, needs } = kind;
  return {
    verb, summary, schema, lasting,
    needs: (spec) => (typeof needs === 'function' ? needs(spec as z.output<Schema>) : needs),
    lifetimeMs: (spec) => kind.lifetimeMs?.(spec as z.output<Schema>) ?? null,
    aim: (spec, targets) => ({ ...kind.aim(spec as z.output<Schema>, targets), lasting }),
  }; // prettier-ignore
}
