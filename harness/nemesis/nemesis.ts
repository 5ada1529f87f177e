import type { Clock } from '../clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { FaultState, HarnessEvent } from '../event.ts';
import { linkName, type Links } from '../ports/links.ts';
import type { ClusterState } from '../view/cluster-state.ts';
import { takeSnapshot, type LoadView, type Snapshot } from './fault-evidence.ts';
import type { AimedFault, InjectContext, World } from './fault.ts';
import { LinkLedger } from './link-ledger.ts';
import { NodeLedger } from './node-ledger.ts';

/** One injected fault, from its request to its end. Times are ms since the run began. */
export interface FaultRecord {
  /** Unique id: `as:` or the verb, with a number if it is taken. */
  readonly id: string;
  /** Name from `as:`, if the step has one. Several faults may share it (in a `repeat`); `heal` lifts all of them. */
  readonly name: string | null;
  readonly verb: string;
  readonly by: 'scenario' | 'manual';
  readonly aimed: AimedFault;
  readonly requestedAt: number;
  confirmedAt: number | null;
  /** Time at which its healing began. */
  healingAt: number | null;
  state: FaultState;
  /** Describes the evidence that the fault took effect; null if there is none yet. */
  evidence: string | null;
}

export interface InjectOptions {
  readonly verb: string;
  readonly name: string | null;
  readonly by: 'scenario' | 'manual';
  /** The step in the form that is recorded. */
  readonly step: unknown;
  /** Time in ms after which the fault heals by itself, counted from its confirmation; null if it does not. */
  readonly lifetimeMs: number | null;
}

interface Live extends FaultRecord {
  readonly before: Snapshot;
  readonly context: InjectContext;
  readonly end: AbortController;
  readonly step: unknown;
  during: Snapshot | null;
  healing: Promise<void> | null;
}

/**
 * Number of attempts to collect evidence, and the time between them in ms: the server may count a closed connection a
 * little later.
 */
const EVIDENCE_TRIES = 4;
const EVIDENCE_PAUSE_MS = 100;

/** Injects faults, keeps the live ones, heals them, and records the evidence that each one took effect. */
export class Nemesis {
  readonly world: World;
  readonly #load: LoadView;
  readonly #emit: (event: HarnessEvent) => void;
  readonly #onFailure: (error: Error) => void;
  readonly #faults: Live[] = [];
  readonly #background = new Set<Promise<void>>();
  readonly #injecting = new Set<Promise<FaultRecord>>();
  /** Number of faults so far that wanted each id. */
  readonly #ids = new Map<string, number>();
  #closed = false;

  constructor(options: {
    readonly cluster: Cluster;
    readonly links: Links;
    readonly clock: Clock;
    readonly state: ClusterState;
    readonly load: LoadView;
    readonly emit: (event: HarnessEvent) => void;
    /** Called if a fault with a lifetime could not be healed. No step waits for that, so this must end the run. */
    readonly onFailure: (error: Error) => void;
  }) {
    const { cluster, links, clock, state, emit } = options;
    this.#load = options.load;
    this.#emit = emit;
    this.#onFailure = options.onFailure;
    const linkLedger = new LinkLedger(links, () => clock.now(), emit);
    this.world = { cluster, links, clock, state, linkLedger, nodeLedger: new NodeLedger(cluster) };
  }

  get faults(): readonly FaultRecord[] {
    return this.#faults;
  }

  /**
   * Time spans during which faults of this name were in effect: from the confirmation to the start of the healing (null
   * if the fault is still live).
   */
  windows(name: string): readonly { readonly from: number; readonly to: number | null }[] {
    return this.#faults
      .filter((fault) => fault.name === name && fault.confirmedAt !== null)
      .map((fault) => ({ from: fault.confirmedAt!, to: fault.healingAt }));
  }

  /** Injects a fault and returns once it is confirmed. If the injection fails, its effects are undone. */
  async inject(aimed: AimedFault, options: InjectOptions): Promise<FaultRecord> {
    const injecting = this.#inject(aimed, options);
    this.#injecting.add(injecting);
    try {
      return await injecting;
    } finally {
      this.#injecting.delete(injecting);
    }
  }

  async #inject(aimed: AimedFault, options: InjectOptions): Promise<FaultRecord> {
    const fault = await this.#record(aimed, options);
    if (this.#closed) throw new Error(`cannot inject ${aimed.text}: all faults are being healed`);
    this.#faults.push(fault);
    this.#emitFault(fault, 'requested');
    // A restart ends the faults that keep the node down, so their evidence must be collected before that.
    const held = aimed.lasting
      ? []
      : this.#live().filter(
          (other) => other !== fault && other.aimed.nodes.some((node) => aimed.nodes.includes(node)),
        );
    for (const other of held) other.during ??= fault.before;
    try {
      await aimed.inject(this.world, fault.context);
    } catch (error) {
      if (fault.healing !== null && error === fault.end.signal.reason) return await this.#endedEarly(fault);
      fault.state = 'failed';
      this.#emitFault(fault, 'failed', { detail: (error as Error).message });
      fault.end.abort(new Error('the injection failed'));
      await this.#lift(fault).catch(() => undefined);
      throw error;
    }
    this.#confirm(fault);
    if (fault.healing !== null) return await this.#endedEarly(fault);
    if (!aimed.lasting) {
      await this.#closeReleased(held, fault.requestedAt);
      await this.heal(fault);
    } else {
      for (const other of held) other.during = null;
      if (options.lifetimeMs !== null) this.#healAfter(fault, options.lifetimeMs);
    }
    return fault;
  }

  /**
   * Handles a fault that was healed while it was being injected. This is not a failure, but effects after the healing
   * must be undone too.
   */
  async #endedEarly(fault: Live): Promise<Live> {
    await fault.healing;
    await this.#lift(fault);
    return fault;
  }

  #confirm(fault: Live): void {
    if (fault.confirmedAt !== null) return;
    fault.confirmedAt = this.world.clock.now();
    this.#emitFault(fault, 'confirmed', { tookMs: fault.confirmedAt - fault.requestedAt });
  }

  /** Heals every live fault of this name and returns their number. */
  async healNamed(name: string, by?: 'manual'): Promise<number> {
    return await this.#healEach(
      this.#live().filter((fault) => fault.name === name || fault.id === name),
      by,
    );
  }
  async healAll(by?: 'manual' | 'cleanup'): Promise<number> {
    return await this.#healEach(this.#live(), by);
  }
  /** Heals every live fault on these nodes, or on a link from or to one of them. */
  async healNodes(nodes: readonly string[], by?: 'manual'): Promise<number> {
    const touches = ({ aimed }: FaultRecord): boolean =>
      aimed.links.length === 0
        ? aimed.nodes.some((node) => nodes.includes(node))
        : aimed.links.some(({ from, to }) => nodes.includes(from) || nodes.includes(to));
    return await this.#healEach(this.#live().filter(touches), by);
  }
  /** The latest manual fault that is still live. */
  latestByHand(): FaultRecord | null {
    return this.#live().findLast(({ by }) => by === 'manual') ?? null;
  }

  /** Heals this fault only. Idempotent: a second call waits for the first. */
  heal(fault: FaultRecord, by?: 'manual' | 'cleanup'): Promise<void> {
    const live = fault as Live;
    live.healing ??= this.#heal(live, by);
    return live.healing;
  }

  /**
   * Ends all faults: refuses further injections, heals everything (including faults that are being injected), and waits
   * for background work.
   */
  async windUp(): Promise<void> {
    this.#closed = true;
    const healed = this.healAll('cleanup');
    await Promise.allSettled([healed, ...this.#injecting]);
    await healed;
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  #live(): Live[] {
    return this.#faults.filter(({ healing, state }) => healing === null && state !== 'failed');
  }

  async #record(aimed: AimedFault, { verb, name, by, step }: InjectOptions): Promise<Live> {
    const wanted = name ?? verb;
    const nth = (this.#ids.get(wanted) ?? 0) + 1;
    this.#ids.set(wanted, nth);
    const id = nth === 1 ? wanted : `${wanted}#${nth}`;
    const end = new AbortController();
    const fault: Live = {
      id, name, verb, by, aimed, step, end,
      requestedAt: this.world.clock.now(),
      confirmedAt: null,
      healingAt: null,
      state: 'requested',
      evidence: null,
      context: { handle: id, signal: end.signal, inEffect: () => this.#confirm(fault) },
      before: await this.#snapshot(),
      during: null,
      healing: null,
    }; // prettier-ignore
    return fault;
  }

  async #healEach(faults: readonly Live[], by?: 'manual' | 'cleanup'): Promise<number> {
    const results = await Promise.allSettled(faults.map((fault) => this.heal(fault, by)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason as Error;
    return faults.length;
  }

  async #heal(fault: Live, by?: 'manual' | 'cleanup'): Promise<void> {
    const { aimed } = fault;
    fault.healingAt ??= this.world.clock.now();
    if (aimed.lasting) this.#emitFault(fault, 'healing', { by });
    fault.during ??= await this.#snapshot();
    fault.end.abort(new Error('healed'));
    try {
      await this.#lift(fault);
    } catch (error) {
      this.#emitFault(fault, 'failed', { by, detail: `not healed: ${(error as Error).message}` });
      throw error;
    }
    this.#emitFault(fault, 'healed', { by, tookMs: this.world.clock.now() - fault.healingAt });
    this.#inBackground(this.#gatherEvidence(fault, fault.during));
  }

  async #lift(fault: Live): Promise<void> {
    await fault.aimed.heal?.(this.world, fault.context);
    await Promise.all([this.world.linkLedger.lift(fault.id), this.world.nodeLedger.lift(fault.id)]);
  }

  /** Heals the faults whose nodes an explicit `restart` or `resume` has released. */
  async #closeReleased(held: readonly Live[], t: number): Promise<void> {
    for (const fault of held) {
      const holdsNodes = fault.aimed.links.length === 0;
      if (holdsNodes && !this.world.nodeLedger.isHeldBy(fault.id)) {
        fault.healingAt ??= t;
        await this.heal(fault);
      } else fault.during = null;
    }
  }

  #healAfter(fault: Live, lifetimeMs: number): void {
    const healing = this.world.clock.sleep(lifetimeMs, fault.end.signal).then(
      () => this.heal(fault),
      () => undefined,
    );
    this.#inBackground(healing.catch((error: unknown) => this.#onFailure(error as Error)));
  }

  async #gatherEvidence(fault: Live, during: Snapshot): Promise<void> {
    for (let tries = 0; tries < EVIDENCE_TRIES && fault.evidence === null; tries++) {
      if (tries > 0) await this.world.clock.sleep(EVIDENCE_PAUSE_MS);
      fault.evidence = fault.aimed.evidence({ before: fault.before, during, after: await this.#snapshot() });
    }
  }

  #snapshot(): Promise<Snapshot> {
    const { clock, state, links } = this.world;
    return takeSnapshot(clock.now(), state, links, this.#load);
  }

  #inBackground(work: Promise<void>): void {
    this.#background.add(work);
    void work.finally(() => this.#background.delete(work));
  }

  #emitFault(
    fault: Live,
    state: FaultState,
    more: {
      readonly detail?: string;
      readonly tookMs?: number;
      readonly by?: 'manual' | 'cleanup' | undefined;
    } = {},
  ): void {
    if (fault.state !== 'failed') fault.state = state;
    const { by, ...rest } = more;
    this.#emit({
      t: this.world.clock.now(),
      type: 'fault',
      id: fault.id,
      verb: fault.verb,
      lasting: fault.aimed.lasting,
      state,
      by: by ?? fault.by,
      text: fault.aimed.text,
      nodes: fault.aimed.nodes,
      links: fault.aimed.links.map(linkName),
      step: fault.step,
      ...rest,
    });
  }
}
