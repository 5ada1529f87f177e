import { NAME, NODE_ID } from '../names.ts';
import type { Random } from '../random.ts';

/**
 * The target nodes of a fault, as the scenario describes them. `resolveSelector` turns it into node ids when the step
 * starts.
 */
export type Selector =
  | { readonly type: 'node'; readonly id: string }
  | { readonly type: 'word'; readonly word: SelectorWord }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'not'; readonly of: Selector }
  | { readonly type: 'union'; readonly of: readonly Selector[] };

export const SELECTOR_WORDS = [
  'leader', 'followers', 'follower', 'any', 'all', 'minority', 'majority', 'rest',
  'most-behind', 'most-ahead', 'last-killed',
] as const; // prettier-ignore
export type SelectorWord = (typeof SELECTOR_WORDS)[number];

/** State of the cluster that selectors use, at the moment a step starts. */
export interface Electorate {
  readonly nodes: readonly string[];
  /** Nodes that are up: running and not paused. */
  readonly up: readonly string[];
  /** The node with the highest term among nodes that are up and claim to lead. */
  readonly leader: string | null;
  /** Last log index of each node, by its latest report; nodes that never reported are absent. */
  readonly lastIndex: ReadonlyMap<string, number>;
  /** Killed nodes, oldest first. */
  readonly killed: readonly string[];
  /** Nodes that `bind:` has named so far. */
  readonly bound: ReadonlyMap<string, readonly string[]>;
}

export type ParsedSelector =
  | { readonly ok: true; readonly selector: Selector }
  /** `unknown` is the part of the text that is not a selector. */
  | { readonly ok: false; readonly unknown: string };

/** `leader`, `n1`, `$old`, `not($old)`; nested as deep as needed. */
export function parseSelector(text: string): ParsedSelector {
  const trimmed = text.trim();
  const inner = /^not\((.*)\)$/s.exec(trimmed)?.[1];
  if (inner !== undefined) {
    const of = parseSelector(inner);
    return of.ok ? { ok: true, selector: { type: 'not', of: of.selector } } : of;
  }
  if (NODE_ID.test(trimmed)) return { ok: true, selector: { type: 'node', id: trimmed } };
  if ((SELECTOR_WORDS as readonly string[]).includes(trimmed)) {
    return { ok: true, selector: { type: 'word', word: trimmed as SelectorWord } };
  }
  if (trimmed.startsWith('$') && NAME.test(trimmed.slice(1)))
    return { ok: true, selector: { type: 'name', name: trimmed.slice(1) } };
  return { ok: false, unknown: text };
}

export function formatSelector(selector: Selector): string {
  switch (selector.type) {
    case 'node':
      return selector.id;
    case 'word':
      return selector.word;
    case 'name':
      return `$${selector.name}`;
    case 'not':
      return `not(${formatSelector(selector.of)})`;
    case 'union':
      return selector.of.map(formatSelector).join(',');
    default:
      return selector satisfies never;
  }
}

/**
 * Nodes that the selector matches now, in the cluster's order; may be empty. `taken` has the nodes that the same step
 * has already chosen (`rest` matches all others). `prefer` is a recorded choice, which is used again if it still
 * matches.
 */
export function resolveSelector(
  selector: Selector,
  electorate: Electorate,
  random: Random,
  taken: ReadonlySet<string> = new Set(),
  prefer: readonly string[] = [],
): readonly string[] {
  const inOrder = (chosen: ReadonlySet<string>): string[] =>
    electorate.nodes.filter((node) => chosen.has(node));
  const recurse = (inner: Selector): readonly string[] =>
    resolveSelector(inner, electorate, random, taken, prefer);
  switch (selector.type) {
    case 'node':
      return electorate.nodes.includes(selector.id) ? [selector.id] : [];
    case 'name':
      return electorate.bound.get(selector.name) ?? [];
    case 'not': {
      const excluded = new Set(recurse(selector.of));
      return electorate.nodes.filter((node) => !excluded.has(node));
    }
    case 'union':
      return inOrder(new Set(selector.of.flatMap(recurse)));
    case 'word':
      return inOrder(new Set(resolveWord(selector.word, electorate, random, taken, prefer)));
    default:
      return selector satisfies never;
  }
}

function resolveWord(
  word: SelectorWord,
  { nodes, up, leader, lastIndex, killed }: Electorate,
  random: Random,
  taken: ReadonlySet<string>,
  prefer: readonly string[],
): readonly string[] {
  const followers = up.filter((node) => node !== leader);
  const known = up.filter((node) => lastIndex.has(node));
  const lengths = known.map((node) => lastIndex.get(node)!);
  const draw = (from: readonly string[], count: number): readonly string[] => {
    // A node that the same step has chosen already is drawn only if there are too few others.
    const others = from.filter((node) => !taken.has(node));
    return choose(others.length >= count ? others : from, count, random, prefer);
  };
  switch (word) {
    case 'leader':
      return leader === null ? [] : [leader];
    case 'followers':
      return followers;
    case 'follower':
      return draw(followers, 1);
    case 'any':
      return draw(up, 1);
    case 'all':
      return nodes;
    case 'minority':
      return draw(nodes, Math.floor((nodes.length - 1) / 2));
    case 'majority':
      return draw(nodes, Math.floor(nodes.length / 2) + 1);
    case 'rest':
      return nodes.filter((node) => !taken.has(node));
    case 'most-behind':
      return known.filter((node) => lastIndex.get(node) === Math.min(...lengths)).slice(0, 1);
    case 'most-ahead':
      return known.filter((node) => lastIndex.get(node) === Math.max(...lengths)).slice(0, 1);
    case 'last-killed':
      return killed.slice(-1);
    default:
      return word satisfies never;
  }
}

/** Draws `count` nodes at random. Takes the recorded nodes if all of them are still candidates. */
function choose(
  from: readonly string[],
  count: number,
  random: Random,
  prefer: readonly string[],
): readonly string[] {
  if (from.length < count) return [];
  const recorded = prefer.filter((node) => from.includes(node));
  if (recorded.length === count && count > 0) return recorded;
  const left = [...from];
  const chosen: string[] = [];
  while (chosen.length < count) chosen.push(...left.splice(random.int(0, left.length - 1), 1));
  return chosen;
}
