import * as faults from './faults.ts';
import { directionText, type Direction, type ManualFault, type Target } from './faults.ts';
import type { Menu, MenuItem } from './ui.ts';

type MakeMenu = (target: Target, nodes: readonly string[]) => Menu;

/** The menus that keys open. Every choice has its own key, so two keys in a row inject a fault. */
export const MENUS = {
  I: (target, nodes) => ({
    title: `ONE WAY: ${target.node}`,
    items: [
      item(
        'i',
        `in: ${target.node} receives nothing from its peers, and still sends`,
        faults.oneWay(target, nodes, 'in'),
      ),
      item(
        'o',
        `out: ${target.node} sends nothing to its peers, and still receives`,
        faults.oneWay(target, nodes, 'out'),
      ),
    ],
  }),
  p: partitions,
  d: (target, nodes) => ({
    title: `DELAY: ${target.node}`,
    items: directions(target, nodes, `DELAY`, (direction) =>
      [50, 200, 1_000].map((ms) => ({
        label: `+${ms} ms`,
        fault: faults.delay(target, nodes, direction, ms),
      })),
    ),
  }),
  b: (target, nodes) => ({
    title: `BANDWIDTH: ${target.node}`,
    items: directions(target, nodes, `BANDWIDTH`, (direction) =>
      [64, 8, 1].map((rate) => ({
        label: `${rate} KB/s`,
        fault: faults.bandwidth(target, nodes, direction, rate),
      })),
    ),
  }),
  x: (target, nodes) => ({
    title: `CONNECTIONS: ${target.node}`,
    items: numbered([
      { label: `reset ${directionText('both', target.node)}`, fault: faults.reset(target, nodes, 'both') },
      {
        label: `reset ${directionText('clients', target.node)}`,
        fault: faults.reset(target, nodes, 'clients'),
      },
      { label: `slice ${directionText('both', target.node)}`, fault: faults.slice(target, nodes, 'both') },
      {
        label: `slice ${directionText('clients', target.node)}`,
        fault: faults.slice(target, nodes, 'clients'),
      },
    ]),
  }),
} satisfies Record<string, MakeMenu>;

function partitions(target: Target, nodes: readonly string[]): Menu {
  const others = nodes.filter((node) => node !== target.node);
  const minority = Math.floor((nodes.length - 1) / 2);
  const withFew = [target.node, ...others.slice(0, minority - 1)];
  const withMany = [target.node, ...others.slice(0, minority)];
  const rest = (group: readonly string[]): string[] => nodes.filter((node) => !group.includes(node));
  const choices: { label: string; fault: ManualFault }[] = [
    { label: `isolate ${target.node}`, fault: faults.isolate(target, nodes) },
    ...(withFew.length > 1 ? [split(withFew, rest(withFew))] : []),
    ...(rest(withMany).length > 0 ? [split(withMany, rest(withMany))] : []),
    ...others.map((other) => ({
      label: `cut ${target.node}<->${other}`,
      fault: faults.cutPair(target.node, other),
    })),
    { label: `cut clients->${target.node}`, fault: faults.cutClients(target) },
    ...(nodes.length > 2
      ? [{ label: `bridge: only ${target.node} sees both halves`, fault: faults.bridge(target, nodes) }]
      : []),
  ];
  return { title: `PARTITION: ${target.node}`, items: numbered(choices.slice(0, 9)) };
}

const split = (
  first: readonly string[],
  second: readonly string[],
): { label: string; fault: ManualFault } => ({
  label: `split ${first.join(',')} | ${second.join(',')}`,
  fault: faults.halves(first, second),
});

/** The items of a menu that asks for the direction; each opens a menu that asks for the amount. */
function directions(
  target: Target,
  nodes: readonly string[],
  title: string,
  amounts: (direction: Direction) => readonly { readonly label: string; readonly fault: ManualFault }[],
): MenuItem[] {
  const kinds: readonly Direction[] = nodes.length > 1 ? ['both', 'from', 'to', 'clients'] : ['clients'];
  return kinds.map((direction, index) => {
    const label = directionText(direction, target.node);
    return {
      key: String(index + 1),
      label,
      does: { menu: { title: `${title}: ${label}`, items: numbered(amounts(direction)) } },
    };
  });
}

const item = (key: string, label: string, fault: ManualFault): MenuItem => ({ key, label, does: { fault } });
const numbered = (choices: readonly { readonly label: string; readonly fault: ManualFault }[]): MenuItem[] =>
  choices.map(({ label, fault }, index) => item(String(index + 1), label, fault));
