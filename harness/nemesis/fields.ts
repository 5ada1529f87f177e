import { LINK_NAME } from '../names.ts';
import { z } from 'zod';
import { linkName, type LinkId } from '../ports/links.ts';
import { EmptyMatch, type LinkEnds, type Targets } from './fault.ts';
import { mistaken, report, type UnknownKey } from './mistake.ts';
import { formatSelector, parseSelector, SELECTOR_WORDS, type Selector } from './selector.ts';

/** A map without unknown keys. `planned` has keys of the language that this version does not support yet. */
export function strict<Shape extends z.ZodRawShape>(
  shape: Shape,
  planned: readonly string[] = [],
): z.ZodObject<Shape, z.core.$strict> {
  const params: UnknownKey = { unknownKey: { known: Object.keys(shape), planned } };
  const unknownKey = z.unknown().transform((_value, context) => {
    // With `continue`, the map's own rules are also checked, so that all mistakes are found at once.
    context.addIssue({ code: 'custom', params: { ...params }, continue: true });
    return undefined;
  });
  const map = z.object(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? mapWith(Object.keys(shape)) : undefined),
  });
  // zod's own strictObject is not used, because its issue for an unknown key cannot contain the known keys.
  return map.catchall(unknownKey);
}

/** Maximum number of keys that the message for a missing map names. */
const MOST_KEYS_NAMED = 4;

const mapWith = (keys: readonly string[]): string =>
  keys.length > MOST_KEYS_NAMED
    ? 'expected a map'
    : `expected a map with ${keys.map((key) => `\`${key}\``).join(', ')}`;

const SELECTOR_FORMS = 'expected a selector such as `leader`, `n1` or `[n1, n2]`';
const selectorText = z.string({ error: SELECTOR_FORMS }).transform((text, context): Selector => {
  const parsed = parseSelector(text);
  if (parsed.ok) return parsed.selector;
  report(context, {
    what: `unknown selector \`${parsed.unknown}\``,
    hint: `known: ${SELECTOR_WORDS.join(', ')}, n1, not(…), $name`,
    known: SELECTOR_WORDS,
    word: parsed.unknown,
  });
  return z.NEVER;
});

/** `leader`, `n1`, `not($old)`, `[n1, $old]`. */
export const selector: z.ZodType<Selector, string | string[]> = z
  .union([
    selectorText,
    z
      .array(selectorText, { error: SELECTOR_FORMS })
      .min(1, 'an empty list selects nothing')
      .transform((of): Selector => ({ type: 'union', of })),
  ])
  .meta({
    description: `${SELECTOR_WORDS.join(', ')}, n1, [n1, n2], not($x), $name`,
  });

/** One end of a link: a selector, or `clients`. */
export type End = Selector | 'clients';
const end = z.union([z.literal('clients'), selector]);

export const cutMode = z.enum(['blackhole', 'refuse']).default('blackhole').meta({
  description: 'blackhole: sockets stay open, bytes vanish; refuse: connections are closed and refused',
});

const LINK_WORDS = ['all', 'peers', 'clients'] as const;
const linkText = z.string().refine(
  (text) => (LINK_WORDS as readonly string[]).includes(text) || LINK_NAME.test(text),
  mistaken({
    what: 'not a link',
    hint: 'write `all`, `peers`, `clients`, or one by name such as `n1->n2`',
  }),
);

/** Fields that choose links, by name or by their ends. One of the two must be given. */
export const linkFields = {
  links: z
    .union([linkText, z.array(linkText).min(1)])
    .optional()
    .meta({ description: 'all, peers, clients, n1->n2, or a list' }),
  from: end.optional(),
  to: end.optional(),
} as const;
export interface LinkSpec {
  readonly links?: string | readonly string[] | undefined;
  readonly from?: End | undefined;
  readonly to?: End | undefined;
}

/** The rule for `linkFields`: either names or ends must be given. */
export function needsLinks(spec: LinkSpec, context: z.RefinementCtx): void {
  const directed = spec.from !== undefined || spec.to !== undefined;
  if (spec.links !== undefined && directed)
    report(context, { what: '`links` and `from`/`to` cannot be used together' });
  if (spec.links === undefined && !directed)
    report(context, { what: 'no links are given', hint: 'give `links: all`, or `from` and `to`' });
}

/** Links that a fault has chosen. */
export interface AimedLinks {
  readonly links: readonly LinkId[];
  /** The nodes at the end that has fewer nodes. */
  readonly nodes: readonly string[];
  readonly ends: LinkEnds;
}

/**
 * The chosen links, and the nodes at their chosen ends. A missing end means every node (but not the clients). Answers
 * to clients return on the client's own link, so `{from: n1, to: clients}` also means that link.
 */
export function aimLinks(spec: LinkSpec, targets: Targets): AimedLinks {
  return spec.links === undefined ? aimBetween(spec, targets) : aimNamed([spec.links].flat(), spec, targets);
}

function aimNamed(words: readonly string[], { links: given }: LinkSpec, targets: Targets): AimedLinks {
  const fits = (link: LinkId, word: string): boolean =>
    word === 'all' || word === linkName(link) || word === (link.from === 'clients' ? 'clients' : 'peers');
  for (const [i, word] of words.entries()) {
    if (targets.links.some((link) => fits(link, word))) continue;
    const what = LINK_NAME.test(word) ? `there is no link \`${word}\`` : `there are no links \`${word}\``;
    throw new EmptyMatch(`${what} in this cluster`, typeof given === 'string' ? ['links'] : ['links', i]);
  }
  const links = targets.links.filter((link) => words.some((word) => fits(link, word)));
  const at = (end: keyof LinkEnds): string[] =>
    targets.nodes.filter((node) => links.some((link) => link[end] === node));
  const ends = { from: at('from'), to: at('to') };
  const nodes = targets.nodes.filter((node) => ends.from.includes(node) || ends.to.includes(node));
  return { links, nodes, ends };
}

function aimBetween(spec: LinkSpec, targets: Targets): AimedLinks {
  const chosen = (end: keyof LinkEnds): readonly string[] => {
    const side = spec[end];
    return side === undefined ? targets.nodes : side === 'clients' ? ['clients'] : targets.select(side, end);
  };
  const [from, to] = [chosen('from'), chosen('to')];
  const links = targets.links.filter(
    (link) =>
      (from.includes(link.from) && to.includes(link.to)) ||
      (to.includes('clients') && link.from === 'clients' && from.includes(link.to)),
  );
  if (links.length === 0)
    throw new EmptyMatch(`no link leads from ${describeEnd(spec.from)} to ${describeEnd(spec.to)}`);
  // The fault is aimed at the end that has fewer nodes.
  const narrow = spec.to === undefined || (spec.from !== undefined && from.length <= to.length) ? from : to;
  const named = (end: keyof LinkEnds, nodes: readonly string[]): readonly string[] =>
    spec[end] === undefined || spec[end] === 'clients' ? [] : nodes;
  return {
    links,
    nodes: narrow.filter((node) => node !== 'clients'),
    ends: { from: named('from', from), to: named('to', to) },
  };
}

const describeEnd = (side: End | undefined): string =>
  side === undefined ? 'any node' : side === 'clients' ? side : formatSelector(side);

/** `n1<->n2 n3->n1`: the two directions of a pair are written as one. */
export function describeLinks(links: readonly LinkId[]): string {
  const names = new Set(links.map(linkName));
  const parts: string[] = [];
  for (const link of links) {
    if (!names.delete(linkName(link))) continue;
    const both = names.delete(linkName({ from: link.to, to: link.from }));
    parts.push(both ? `${link.from}<->${link.to}` : linkName(link));
  }
  return parts.join(' ');
}

/** `leader`, which is the short form, or `{node: leader, …}`. */
export function nodeSpec<Shape extends z.ZodRawShape>(extra: Shape) {
  const short = selector.transform((node) => ({ node }));
  return z.union([short, strict({ node: selector, ...extra })]);
}
