import { NODE_ID, SELECTOR_WORDS } from '../../nemesis/selector.ts';
import { FAULTS } from '../../nemesis/registry.ts';
import { nearest } from './nearest.ts';
import type { Path, Places, ScenarioError } from './position.ts';
import { HEAL_ALL, UNBUILT_VERBS, VERBS } from './step-schema.ts';

/** Verbs whose fault lives on and can be named, healed by time, or waited for. */
const INSTANT = new Set(['reset', 'restart', 'resume', 'rolling-restart']);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Names that stand for something before the first step: in a run that goes on. */
export interface KnownNames {
  readonly handles: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
}

/**
 * What no single field can tell: that each step has one verb, that every `$name`, handle and node id that is
 * used stands
 * for something at that point. Works on the raw data, so that it finds its errors beside the schema's.
 */
export function checkReferences(raw: unknown, places: Places, known?: KnownNames): ScenarioError[] {
  if (!isObject(raw)) return [];
  const check = new ReferenceCheck(raw, places);
  for (const handle of known?.handles ?? []) check.handles.add(handle);
  for (const name of known?.names ?? []) check.names.add(name);
  check.steps(raw['steps'], ['steps']);
  check.expectations(raw['expect']);
  return check.errors;
}

class ReferenceCheck {
  readonly errors: ScenarioError[] = [];
  readonly handles = new Set<string>();
  readonly names = new Set<string>();
  readonly #places: Places;
  readonly #nodes: number;

  constructor(raw: Record<string, unknown>, places: Places) {
    this.#places = places;
    const cluster = raw['cluster'];
    const nodes = isObject(cluster) ? cluster['nodes'] : undefined;
    this.#nodes = typeof nodes === 'number' ? nodes : 3;
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
        this.#fail(
          [...path, 'node'],
          'value',
          `\`${word}\` may be another node at each moment of the window`,
          'name a node, or `bind:` one on the step and give its `$name`',
        );
      }
    }
  }

  #step(step: unknown, path: Path): void {
    if (!isObject(step)) return;
    const verbs = Object.keys(step).filter((key) => VERBS.includes(key));
    const unbuilt = Object.keys(step).some((key) => (UNBUILT_VERBS as readonly string[]).includes(key));
    if (verbs.length === 0 && !unbuilt) {
      // An unknown key is told by the schema, with the verb that it may have meant.
      const strange = Object.keys(step).some(
        (key) => !['at', 'for', 'as', 'bind', 'on-empty', 'by', 'resolved'].includes(key),
      );
      if (!strange) this.#fail(path, 'value', 'a step without a verb', `add one of ${VERBS.join(', ')}`);
    }
    if (verbs.length > 1)
      this.#fail(
        [...path, verbs[1]!],
        'key',
        `a second verb in one step: \`${verbs[1]}\` beside \`${verbs[0]}\``,
        'make it a step of its own',
      );
    const verb = verbs[0];
    if (verb === undefined) return;
    this.#modifiers(step, verb, path);
    this.#use(step[verb], verb, [...path, verb]);
    // Only once the step has run do its names stand for something.
    if (typeof step['as'] === 'string') this.handles.add(step['as']);
    if (typeof step['bind'] === 'string') this.names.add(step['bind']);
  }

  #modifiers(step: Record<string, unknown>, verb: string, path: Path): void {
    const isFault = FAULTS.has(verb);
    for (const key of ['as', 'bind', 'for', 'on-empty', 'by', 'resolved'] as const) {
      if (step[key] === undefined) continue;
      const allowed =
        key === 'by' ? isFault || verb === 'heal' : key === 'for' ? isFault && !INSTANT.has(verb) : isFault;
      if (!allowed)
        this.#fail(
          [...path, key],
          'key',
          `\`${key}\` does not go with \`${verb}\``,
          key === 'for' ? 'it heals a fault by itself; to sleep: `wait: {for: 2s}`' : null,
        );
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

  /** With three nodes everybody is everybody's neighbour: a ring would cut nothing. */
  #ring(spec: unknown, path: Path): void {
    if (isObject(spec) && spec['ring'] !== undefined && this.#nodes < 4) {
      this.#fail(
        [...path, 'ring'],
        'key',
        `a ring of ${this.#nodes} nodes cuts nothing`,
        'give the cluster at least 4 nodes',
      );
    }
  }

  /** Every string of a spec: `$name`, `unchanged-since(handle)`, `n4`, `n1->n4`. */
  #strings(value: unknown, path: Path): void {
    if (Array.isArray(value)) for (const [i, item] of value.entries()) this.#strings(item, [...path, i]);
    else if (isObject(value))
      for (const [key, item] of Object.entries(value)) this.#strings(item, [...path, key]);
    if (typeof value !== 'string') return;
    for (const [, name] of value.matchAll(/\$([a-z][a-z0-9-]*)/g)) {
      if (this.names.has(name!)) continue;
      const near = nearest(name!, [...this.names]);
      this.#fail(
        path,
        'value',
        `nothing before this binds \`$${name}\``,
        near === null
          ? `\`bind: ${name}\` on an earlier step names what it chose`
          : `did you mean \`$${near}\`?`,
      );
    }
    const since = /^unchanged-since\(([a-z][a-z0-9-]*)\)$/.exec(value)?.[1];
    if (since !== undefined && !this.handles.has(since)) this.#unnamed(since, path);
    for (const id of value.split(/->|[(),\s]/)) {
      if (!NODE_ID.test(id) || Number(id.slice(1)) <= this.#nodes) continue;
      this.#fail(
        path,
        'value',
        `there is no node \`${id}\``,
        `the cluster has ${this.#nodes === 1 ? 'only n1' : `n1 to n${this.#nodes}`}`,
      );
    }
  }

  #unnamed(handle: string, path: Path): void {
    const near = nearest(handle, [...this.handles]);
    const hint =
      near === null ? `\`as: ${handle}\` on an earlier step names a fault` : `did you mean \`${near}\`?`;
    this.#fail(path, 'value', `no fault before this is named \`${handle}\``, hint);
  }

  #fail(path: Path, part: 'key' | 'value', message: string, hint: string | null): void {
    this.errors.push(this.#places.at(path, part, message, hint));
  }
}
