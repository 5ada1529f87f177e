import type { FaultKind } from '../../nemesis/fault.ts';
import { neverAimed } from '../../nemesis/foreseen.ts';
import { FAULTS } from '../../nemesis/registry.ts';
import type { Mistake } from '../../nemesis/mistake.ts';
import { NAME_REFERENCES, NODE_ID, UNCHANGED_SINCE } from '../../names.ts';
import { SELECTOR_WORDS } from '../../nemesis/selector.ts';
import { CAPABILITIES } from '../../ports/capability.ts';
import type { Path } from './position.ts';
import type { Problem } from './problem.ts';
import { DEFAULT_CLUSTER, MOST_NODES, type ChooseBySystem, type Chosen, type Known } from './schema.ts';
import { isAllowed, MODIFIERS, UNBUILT_VERBS, VERBS, type ModifierKey } from './step-keys.ts';
import { HEAL_ALL } from './step-schema.ts';

/** The names that a step's `bind` gives. */
const boundNames = (bind: unknown): readonly string[] =>
  (isObject(bind) ? [bind['from'], bind['to']] : [bind]).filter((name) => typeof name === 'string');

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What no single field can show: that each step has one verb, that every `$name`, fault name and node id exists at
 * that point, and that the chosen system and stage can do every fault. Works on the raw data, so that its errors are
 * found together with the schema's.
 */
export function checkReferences(raw: unknown, choose?: ChooseBySystem): Problem[] {
  if (!isObject(raw)) return [];
  const cluster = isObject(raw['cluster']) ? raw['cluster'] : {};
  const { nodes = DEFAULT_CLUSTER.nodes, system = DEFAULT_CLUSTER.system } = cluster;
  const check = new ReferenceCheck(
    isNodeCount(nodes) ? nodes : DEFAULT_CLUSTER.nodes,
    typeof system === 'string' ? choose?.(system) : undefined,
  );
  check.steps(raw['steps'], ['steps']);
  check.expectations(raw['expect']);
  return check.problems;
}

/** The same for one step of a run that has named some faults and nodes already. */
export function checkStepReferences(raw: unknown, { nodes, handles, names, chosen }: Known): Problem[] {
  const check = new ReferenceCheck(nodes, chosen);
  for (const handle of handles) check.handles.add(handle);
  for (const name of names) check.names.add(name);
  check.steps([raw], []);
  return check.problems.map((problem) => ({ ...problem, path: problem.path.slice(1) }));
}

/** A wrong number of nodes is a mistake of its own. */
const isNodeCount = (nodes: unknown): nodes is number =>
  typeof nodes === 'number' && Number.isInteger(nodes) && nodes >= 1 && nodes <= MOST_NODES;

class ReferenceCheck {
  readonly problems: Problem[] = [];
  readonly handles = new Set<string>();
  readonly names = new Set<string>();
  readonly #nodes: number;
  readonly #chosen: Chosen | undefined;

  constructor(nodes: number, chosen: Chosen | undefined) {
    this.#nodes = nodes;
    this.#chosen = chosen;
  }

  steps(steps: unknown, path: Path): void {
    if (!Array.isArray(steps)) return;
    for (const [i, step] of steps.entries()) this.#step(step, [...path, i]);
  }

  expectations(expect: unknown): void {
    if (!isObject(expect) || !Array.isArray(expect['during'])) return;
    for (const [i, entry] of expect['during'].entries()) {
      if (!isObject(entry)) continue;
      const path = ['expect', 'during', i];
      const { window } = entry;
      if (typeof window === 'string' && !this.handles.has(window)) this.#unnamed(window, [...path, 'window']);
      this.#strings({ node: entry['node'] }, path);
      for (const word of [entry['node']].flat()) {
        if (typeof word !== 'string' || !(SELECTOR_WORDS as readonly string[]).includes(word)) continue;
        this.#fail([...path, 'node'], 'value', {
          what: `\`${word}\` may be another node at each moment of the window`,
          hint: 'name a node, or `bind:` one on the step and give its `$name`',
        });
      }
    }
  }

  #step(step: unknown, path: Path): void {
    if (!isObject(step)) return;
    const verbs = Object.keys(step).filter((key) => VERBS.includes(key));
    const unbuilt = Object.keys(step).some((key) => (UNBUILT_VERBS as readonly string[]).includes(key));
    if (verbs.length === 0 && !unbuilt) {
      // The schema reports an unknown key, with the verb that was probably meant.
      const strange = Object.keys(step).some((key) => !Object.hasOwn(MODIFIERS, key));
      if (!strange)
        this.#fail(path, 'value', {
          what: 'a step without a verb',
          hint: `add one of ${VERBS.join(', ')}`,
        });
    }
    if (verbs.length > 1)
      this.#fail([...path, verbs[1]!], 'key', {
        what: `a second verb in one step: \`${verbs[1]}\` beside \`${verbs[0]}\``,
        hint: 'make it a step of its own',
      });
    const verb = verbs[0];
    if (verb === undefined) return;
    this.#modifiers(step, verb, path);
    const found = this.problems.length;
    this.#use(step[verb], verb, [...path, verb]);
    const kind = FAULTS.get(verb);
    if (kind !== undefined) {
      this.#fault(step, kind, path, this.problems.length === found);
      this.#ends(step['bind'], step[verb], path);
    }
    // The names of a step exist only after it has run.
    if (typeof step['as'] === 'string') this.handles.add(step['as']);
    for (const name of boundNames(step['bind'])) this.names.add(name);
  }

  #modifiers(step: Record<string, unknown>, verb: string, path: Path): void {
    for (const key of Object.keys(MODIFIERS) as ModifierKey[]) {
      if (step[key] === undefined || isAllowed(key, verb)) continue;
      this.#fail([...path, key], 'key', {
        what: `\`${key}\` does not go with \`${verb}\``,
        ...(key === 'for' && { hint: 'it heals a fault by itself; to sleep: `wait: {for: 2s}`' }),
      });
    }
  }

  /**
   * Reports a fault that needs a capability which the system or the stage lacks, or that can never have targets.
   * `known`: all nodes and names of its spec exist.
   */
  #fault(step: Record<string, unknown>, kind: FaultKind, path: Path, known: boolean): void {
    const { verb } = kind;
    const parsed = kind.schema.safeParse(step[verb]);
    if (!parsed.success) return;
    for (const need of this.#chosen === undefined ? [] : kind.needs(parsed.data)) {
      for (const part of ['system', 'stage'] as const) {
        const { name, capabilities } = this.#chosen![part];
        if (capabilities === undefined || capabilities.has(need)) continue;
        const has = capabilities.size === 0 ? 'nothing' : [...capabilities].join(', ');
        this.#fail([...path, verb], 'key', {
          what: `\`${verb}\` needs \`${need}\` (${CAPABILITIES[need]}), which the ${part} \`${name}\` cannot do`,
          hint: `the ${part} \`${name}\` can do: ${has}`,
        });
      }
    }
    if (!known || step['on-empty'] === 'skip') return;
    const ids = Array.from({ length: this.#nodes }, (_, i) => `n${i + 1}`);
    const never = neverAimed(kind, parsed.data, ids);
    if (never !== null) this.#fail([...path, verb, ...never.path], 'value', { what: never.message });
  }

  /** That `bind: {from: a}` names nodes of an end that the step chooses. */
  #ends(bind: unknown, spec: unknown, path: Path): void {
    if (!isObject(bind)) return;
    const chosen: Record<string, unknown> = isObject(spec) ? spec : {};
    for (const end of ['from', 'to'] as const) {
      if (bind[end] === undefined || chosen['links'] !== undefined) continue;
      if (chosen[end] !== undefined && chosen[end] !== 'clients') continue;
      const what = chosen[end] === 'clients' ? 'the clients are no nodes' : `the step has no \`${end}\``;
      this.#fail([...path, 'bind', end], 'value', { what: `${what}: there is nothing to bind` });
    }
  }

  #use(spec: unknown, verb: string, path: Path): void {
    if (verb === 'note') return;
    if (verb === 'parallel' && Array.isArray(spec)) {
      for (const [i, branch] of spec.entries()) {
        if (Array.isArray(branch)) this.steps(branch, [...path, i]);
        else this.#step(branch, [...path, i]);
      }
    } else if (verb === 'repeat' && isObject(spec)) this.steps(spec['steps'], [...path, 'steps']);
    else if (verb === 'heal' && !isObject(spec)) {
      for (const [i, handle] of [spec].flat().entries()) {
        if (
          typeof handle !== 'string' ||
          handle === HEAL_ALL ||
          NODE_ID.test(handle) ||
          this.handles.has(handle)
        )
          continue;
        this.#unnamed(handle, Array.isArray(spec) ? [...path, i] : path);
      }
    } else {
      this.#strings(spec, path);
      if (verb === 'partition') this.#ring(spec, path);
    }
  }

  /** With three nodes every node is a neighbour of every other one: a ring would cut nothing. */
  #ring(spec: unknown, path: Path): void {
    if (isObject(spec) && spec['ring'] !== undefined && this.#nodes < 4) {
      this.#fail([...path, 'ring'], 'key', {
        what: `a ring of ${this.#nodes} nodes cuts nothing`,
        hint: 'give the cluster at least 4 nodes',
      });
    }
  }

  /** Checks every string of a spec: `$name`, `unchanged-since(handle)`, `n4`, `n1->n4`. */
  #strings(value: unknown, path: Path): void {
    if (Array.isArray(value)) for (const [i, item] of value.entries()) this.#strings(item, [...path, i]);
    else if (isObject(value))
      for (const [key, item] of Object.entries(value)) this.#strings(item, [...path, key]);
    if (typeof value !== 'string') return;
    for (const [, name] of value.matchAll(NAME_REFERENCES)) {
      if (this.names.has(name!)) continue;
      this.#fail(path, 'value', {
        what: `nothing before this binds \`$${name}\``,
        hint: `\`bind: ${name}\` on an earlier step names what it chose`,
        known: [...this.names].map((bound) => `$${bound}`),
        word: `$${name}`,
      });
    }
    const since = UNCHANGED_SINCE.exec(value)?.[1];
    if (since !== undefined && !this.handles.has(since)) this.#unnamed(since, path);
    for (const id of value.split(/->|[(),\s]/)) {
      if (!NODE_ID.test(id) || Number(id.slice(1)) <= this.#nodes) continue;
      this.#fail(path, 'value', {
        what: `there is no node \`${id}\``,
        hint: `the cluster has ${this.#nodes === 1 ? 'only n1' : `n1 to n${this.#nodes}`}`,
      });
    }
  }

  #unnamed(handle: string, path: Path): void {
    this.#fail(path, 'value', {
      what: `no fault before this is named \`${handle}\``,
      hint: `\`as: ${handle}\` on an earlier step names a fault`,
      known: [...this.handles],
      word: handle,
    });
  }

  #fail(path: Path, part: 'key' | 'value', mistake: Mistake): void {
    this.problems.push({ path, part, ...mistake });
  }
}
