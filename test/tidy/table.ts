/**
 * The floors of ARCHITECTURE.md as data: who may import whom. A path is a folder or a file; the longest that fits
 * counts. Imports go to a lower floor of the same tree, or stay within the part.
 */
export interface Part {
  readonly path: string;
  readonly floor: number;
  /** Beside the lower floors: files or folders, of this tree or the other. */
  readonly also?: readonly string[];
  /** Instead of the lower floors: these and nothing else. */
  readonly only?: readonly string[];
}

/** What every part of the harness may use. */
const GROUND = [
  'harness/event.ts',
  'harness/result.ts',
  'harness/clock.ts',
  'harness/random.ts',
  'harness/history',
] as const;
const PORTS = ['harness/cluster/port.ts', 'harness/links/port.ts'] as const;
const PROTOCOL = 'node/protocol';
const ground = (path: string): Part => ({ path, floor: 1, also: [...GROUND, PROTOCOL] });
/** Knows the cluster and the links by their ports only: another engine stands behind them in simulation. */
const judge = (path: string, floor: number, only: readonly string[] = []): Part => ({
  path,
  floor,
  only: [...GROUND, ...PORTS, PROTOCOL, ...only],
});

export const PARTS: readonly Part[] = [
  ...GROUND.map(ground),
  { path: 'harness/links', floor: 3, only: [...GROUND, PROTOCOL] },
  { path: 'harness/cluster', floor: 3, only: [...GROUND, 'harness/links/port.ts', PROTOCOL] },
  judge('harness/nemesis', 4),
  // The load's thread judges operations as they end.
  judge('harness/workload', 4, ['harness/checker/live']),
  judge('harness/checker', 4),
  judge('harness/invariants', 4),
  judge('harness/scenario', 5, [
    'harness/nemesis',
    'harness/workload',
    'harness/checker',
    'harness/invariants',
  ]),
  judge('harness/sim', 6, [
    'harness/scenario',
    'harness/workload',
    'harness/checker',
    'harness/invariants',
    'node/raft',
    'node/kv',
    'node/replica',
    'node/storage',
    'node/protocol',
  ]),
  { path: 'harness/dashboard', floor: 7, only: [...GROUND, 'harness/checker', 'harness/invariants'] },
  { path: 'harness/report', floor: 7, only: [...GROUND, 'harness/checker', 'harness/invariants'] },
  { path: 'harness/cli', floor: 8, also: ['node/main.mjs', 'node/protocol'] },
  { path: 'node/raft', floor: 1, only: [] },
  { path: 'node/kv', floor: 2 },
  { path: 'node/protocol', floor: 3 },
  { path: 'node/replica', floor: 4 },
  { path: 'node/server', floor: 5 },
  { path: 'node/transport', floor: 5 },
  { path: 'node/storage', floor: 5 },
  // Puts the node together from its parts; `main.mjs` only calls it.
  { path: 'node/server/run-node.ts', floor: 6 },
  { path: 'node/main.mjs', floor: 7 },
];

/** Dependencies, and parts of Node.js that act on the machine: the only places that may import them. */
export const DOORS: Readonly<Record<string, readonly string[]>> = {
  execa: ['harness/cluster', 'harness/links'],
  'toxiproxy-node-client': ['harness/links'],
  ink: ['harness/dashboard'],
  react: ['harness/dashboard'],
  blessed: ['harness/dashboard/charts.ts'],
  'blessed-contrib': ['harness/dashboard/charts.ts'],
  'drawille-canvas-blessed-contrib': ['harness/dashboard/charts.ts'],
  yaml: ['harness/scenario'],
  zod: ['harness/scenario', 'harness/nemesis', 'harness/links'],
  commander: ['harness/cli'],
  'fastest-levenshtein': ['harness/cli', 'harness/scenario'],
  'pure-rand': ['harness/random.ts'],
  vitest: ['harness/report/matcher.ts'],
  'node:fs': [
    'node/storage',
    'harness/history',
    'harness/report',
    'harness/scenario/load.ts',
    'harness/cluster',
    'harness/links',
    'harness/cli',
  ],
  'node:child_process': ['harness/cluster', 'harness/cli'],
  'node:worker_threads': ['harness/checker', 'harness/workload'],
  'node:http': ['node/server/admin-server.ts', 'harness/links'],
  'node:net': ['node/server', 'node/transport', 'harness/links', 'harness/workload'],
};

export const MOST_COLUMNS = 120;
export const MOST_LITERAL_COLUMNS = 240;
export const MOST_LINES = 400;

/** Files that are longer, each with the reason why it is one idea nevertheless. */
export const LONG_FILES: Readonly<Record<string, string>> = {};

/** Programs: their standard output is their interface. Elsewhere whoever calls decides what is shown. */
export const MAY_PRINT: readonly string[] = [
  'harness/cli',
  'harness/links/builtin/main.ts',
  'node/server/run-node.ts',
  'bench',
];
