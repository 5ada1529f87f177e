import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Capability } from '../ports/capability.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { LinkId, Links } from '../ports/links.ts';
import type { ClusterState } from '../view/cluster-state.ts';
import type { Span } from './evidence.ts';
import type { LinkLedger } from './link-ledger.ts';
import type { NodeLedger } from './node-ledger.ts';
import type { Selector } from './selector.ts';

/** What a fault acts on. */
export interface World {
  readonly cluster: Cluster;
  readonly links: Links;
  readonly state: ClusterState;
  readonly linkLedger: LinkLedger;
  readonly nodeLedger: NodeLedger;
  readonly clock: Clock;
}

/** Chooses nodes and links at the moment that a step starts. Each call throws `EmptyMatch` if nothing fits. */
export interface Targets {
  readonly nodes: readonly string[];
  readonly links: readonly LinkId[];
  readonly select: (selector: Selector) => readonly string[];
}

/** A selector matched nothing. The run ends inconclusive, unless the step says `on-empty: skip`. */
export class EmptyMatch extends Error {
  override readonly name = 'EmptyMatch';
}

export interface InjectContext {
  /** The live handle's id: what the ledgers know it by. */
  readonly handle: string;
  /** Aborts when the fault is healed or the run ends. */
  readonly signal: AbortSignal;
  /** Says that it holds already, though `inject` has more to do: a fault in several stages counts from its first. */
  readonly began: () => void;
}

/** What a fault does to the chosen targets, and its own healing. */
export interface FaultAction {
  /** Resolved and short: `cut n1<->n2 n1<->n3`. */
  readonly text: string;
  /** Nodes it is aimed at: what `bind:` names. */
  readonly nodes: readonly string[];
  readonly links: readonly LinkId[];
  /** Makes it so; returns once it is confirmed. */
  inject(world: World, context: InjectContext): Promise<void>;
  /** Idempotent. Only for what the ledgers do not lift by the handle (which the nemesis always does). */
  heal?(world: World, context: InjectContext): Promise<void>;
  /** What shows that it bit, in words; null if nothing does. */
  evidence(span: Span): string | null;
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
  /** False for a fault that is over once it is confirmed (a reset, a restart): there is nothing to heal. */
  readonly lasting: boolean;
  /** What the system and the stage must be able to do. */
  needs(spec: unknown): readonly Capability[];
  /** How long it lasts by its own spec (`restart-after`), if it says. */
  lifetimeMs(spec: unknown): number | null;
  aim(spec: unknown, targets: Targets): AimedFault;
}

/** Ties a fault's schema to the type that its `aim` takes; the loader only lets through what the schema parsed. */
export function defineFault<Schema extends z.ZodType>(kind: {
  readonly verb: string;
  readonly summary: string;
  readonly schema: Schema;
  readonly lasting: boolean;
  /** A list, or what follows from the spec. */
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
