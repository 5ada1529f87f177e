import type { DashboardState } from './state.ts';

/** A fault from the keyboard: the step that is injected, and its effect, which the confirmation question shows. */
export interface ManualFault {
  /** Text for the user: `isolate n1`. */
  readonly says: string;
  /** The step as it would be in a scenario file. */
  readonly step: Readonly<Record<string, unknown>>;
  /** Nodes that do not answer while the fault lasts. */
  readonly stops?: readonly string[];
  /** Links that pass nothing while the fault lasts. */
  readonly cuts?: readonly string[];
}

/** Target of a fault: `selector` as it is recorded (`n1`, or `leader`), and the node that it selects now. */
export interface Target {
  readonly selector: string;
  readonly node: string;
}

export const kill = ({ selector, node }: Target): ManualFault => ({
  says: `kill ${node}`,
  step: { kill: { node: selector } },
  stops: [node],
});
export const stopNode = ({ selector, node }: Target): ManualFault => ({
  says: `stop ${node}`,
  step: { stop: { node: selector } },
  stops: [node],
});
export const restart = ({ selector, node }: Target): ManualFault => ({
  says: `restart ${node}`,
  step: { restart: { node: selector } },
});
/** Resumes the node if it is paused, otherwise pauses it. */
export const pauseOrResume = ({ selector, node }: Target, paused: boolean): ManualFault =>
  paused
    ? { says: `resume ${node}`, step: { resume: { node } } }
    : { says: `pause ${node}`, step: { pause: { node: selector } }, stops: [node] };

export const isolate = ({ selector, node }: Target, nodes: readonly string[]): ManualFault => ({
  says: `isolate ${node}`,
  step: { partition: { isolate: selector } },
  cuts: linksOf(node, nodes, 'both'),
});
/** `in`: the node receives nothing, and still sends. `out`: it sends nothing, and still receives. */
export const oneWay = (
  { selector, node }: Target,
  nodes: readonly string[],
  way: 'in' | 'out',
): ManualFault => ({
  says: way === 'in' ? `make ${node} deaf` : `make ${node} mute`,
  step: {
    cut:
      way === 'in' ? { from: `not(${selector})`, to: selector } : { from: selector, to: `not(${selector})` },
  },
  cuts: linksOf(node, nodes, way),
});
export const cutPair = (a: string, b: string): ManualFault => {
  const links = [`${a}->${b}`, `${b}->${a}`];
  return { says: `cut ${a}<->${b}`, step: { cut: { links } }, cuts: links };
};
export const cutClients = ({ selector, node }: Target): ManualFault => ({
  says: `cut clients->${node}`,
  step: { cut: { from: 'clients', to: selector } },
});
/** Two groups; the target is in the first. */
export const halves = (first: readonly string[], second: readonly string[]): ManualFault => ({
  says: `split ${first.join(',')} | ${second.join(',')}`,
  step: { partition: { halves: [first, second] } },
  cuts: first.flatMap((a) => second.flatMap((b) => [`${a}->${b}`, `${b}->${a}`])),
});
export const bridge = ({ selector, node }: Target, nodes: readonly string[]): ManualFault => {
  const others = nodes.filter((other) => other !== node);
  const left = others.slice(0, Math.floor(others.length / 2));
  const right = others.slice(left.length);
  return {
    says: `bridge over ${node}`,
    step: { partition: { bridge: selector } },
    cuts: left.flatMap((a) => right.flatMap((b) => [`${a}->${b}`, `${b}->${a}`])),
  };
};

export type Direction = 'from' | 'to' | 'both' | 'clients';

/** The links of a delay, a limit or a reset, as a scenario file names them. */
function linkWords(
  { selector, node }: Target,
  nodes: readonly string[],
  direction: Direction,
): Record<string, unknown> {
  switch (direction) {
    case 'from':
      return { from: selector };
    case 'to':
      return { from: `not(${selector})`, to: selector };
    case 'clients':
      return { from: 'clients', to: selector };
    case 'both':
      return { links: linksOf(node, nodes, 'both') };
    default:
      return direction satisfies never;
  }
}
export const directionText = (direction: Direction, node: string): string =>
  ({
    from: `${node} -> peers`,
    to: `peers -> ${node}`,
    both: `${node} <-> peers`,
    clients: `clients -> ${node}`,
  })[direction];

export const delay = (
  target: Target,
  nodes: readonly string[],
  direction: Direction,
  ms: number,
): ManualFault => ({
  says: `delay ${directionText(direction, target.node)} +${ms}ms`,
  step: {
    delay: { ...linkWords(target, nodes, direction), add: `${ms}ms`, jitter: `${Math.round(ms / 10)}ms` },
  },
});
export const bandwidth = (
  target: Target,
  nodes: readonly string[],
  direction: Direction,
  kiloBytes: number,
): ManualFault => ({
  says: `limit ${directionText(direction, target.node)} to ${kiloBytes} KB/s`,
  step: { bandwidth: { ...linkWords(target, nodes, direction), rate: `${kiloBytes}KB/s` } },
});
export const reset = (target: Target, nodes: readonly string[], direction: Direction): ManualFault => ({
  says: `reset ${directionText(direction, target.node)}`,
  step: { reset: linkWords(target, nodes, direction) },
});
export const slice = (target: Target, nodes: readonly string[], direction: Direction): ManualFault => ({
  says: `slice ${directionText(direction, target.node)}`,
  step: { slice: { ...linkWords(target, nodes, direction), size: '64B', vary: '32B', pause: '1ms' } },
});

export const healAll: ManualFault = { says: 'heal all', step: { heal: 'all' } };
export const healNode = ({ node }: Target): ManualFault => ({
  says: `heal ${node}`,
  step: { heal: { node } },
});

function linksOf(node: string, nodes: readonly string[], way: 'in' | 'out' | 'both'): string[] {
  const others = nodes.filter((other) => other !== node);
  return others.flatMap((other) => [
    ...(way === 'in' ? [] : [`${node}->${other}`]),
    ...(way === 'out' ? [] : [`${other}->${node}`]),
  ]);
}

/**
 * Maximum number of nodes that could still work together under one leader while this fault is in effect: nodes that run
 * and are connected to that leader in both directions. With fewer than a majority, no write can be acknowledged.
 */
export function reachableAfter(
  state: DashboardState,
  fault: ManualFault,
): { readonly reachable: number; readonly majority: number } {
  const nodes = Object.values(state.nodes);
  const stopped = new Set(fault.stops);
  const cut = new Set(fault.cuts);
  const runs = nodes
    .filter(({ id, life }) => (life === 'up' || life === 'starting') && !stopped.has(id))
    .map(({ id }) => id);
  const open = (from: string, to: string): boolean => {
    const link = state.links[`${from}->${to}`];
    return link?.cut === undefined && !cut.has(`${from}->${to}`);
  };
  const joined = runs.map(
    (id) => 1 + runs.filter((other) => other !== id && open(id, other) && open(other, id)).length,
  );
  return { reachable: Math.max(0, ...joined), majority: Math.floor(nodes.length / 2) + 1 };
}
