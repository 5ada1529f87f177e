/**
 * The floors of ARCHITECTURE.md as data, which decide the allowed imports. A path is a folder or a file. The longest
 * matching path counts. A part may import from lower floors of the same tree, and from itself.
 */
export interface Part {
  readonly path: string;
  readonly floor: number;
  /** Files or folders, of this tree or the other, that it may import in addition to the lower floors. */
  readonly also?: readonly string[];
  /** The only files or folders that it may import, instead of the lower floors. */
  readonly only?: readonly string[];
}

/** Files and folders that every part of the harness may import. */
const GROUND = [
  'harness/event.ts',
  'harness/trace.ts',
  'harness/result.ts',
  'harness/clock.ts',
  'harness/stall.ts',
  'harness/random.ts',
  'harness/duration.ts',
  'harness/names.ts',
  'harness/system-reason.ts',
  'harness/listeners.ts',
  'harness/printable.ts',
  'harness/history',
] as const;
const PORTS = 'harness/ports';
const PROTOCOL = 'node/protocol';
const ground = (path: string): Part => ({ path, floor: 1, also: GROUND });
/** A part of the harness that may import the ground, the ports, and the paths in `only`. */
const part = (path: string, floor: number, only: readonly string[] = []): Part => ({
  path,
  floor,
  only: [...GROUND, PORTS, ...only],
});

export const PARTS: readonly Part[] = [
  ...GROUND.map(ground),
  { path: PORTS, floor: 2, only: GROUND },
  part('harness/checker', 3),
  part('harness/invariants', 3),
  part('harness/view', 3),
  part('harness/output', 4, ['harness/view']),
  part('harness/dashboard', 4, ['harness/view', 'harness/checker', 'harness/invariants', 'harness/output']),
  part('harness/report', 4, ['harness/view', 'harness/checker', 'harness/invariants', 'harness/output']),
  part('harness/links', 5),
  part('harness/cluster', 5),
  part('harness/nemesis', 5, ['harness/view']),
  // The load's thread judges operations as they end.
  part('harness/workload', 5, ['harness/checker/live']),
  // Inside the scenario room: play sees judge and language, judge sees language, language sees neither.
  part('harness/scenario/language', 6, ['harness/nemesis', 'harness/systems/registry.ts']),
  part('harness/scenario/judge', 6, [
    'harness/scenario/language',
    'harness/nemesis',
    'harness/view',
    'harness/checker',
  ]),
  part('harness/scenario/play', 6, [
    'harness/scenario/language',
    'harness/scenario/judge',
    'harness/nemesis',
    'harness/view',
    'harness/checker',
  ]),
  part('harness/systems', 7, ['harness/workload', 'harness/invariants']),
  // Names and ways to load: no system is loaded by knowing its name.
  part('harness/systems/registry.ts', 7, ['harness/systems']),
  // Only this folder and the simulated stage may import the node: here its protocol, and its program to start it.
  part('harness/systems/raft', 7, [PROTOCOL, 'node/main.mjs', 'harness/workload', 'harness/invariants']),
  part('harness/stage', 8, [
    'harness/systems',
    'harness/cluster',
    'harness/links',
    'harness/workload',
    'harness/checker',
    'harness/invariants',
    'harness/view',
  ]),
  part('harness/stage/sim', 8, [
    PROTOCOL,
    'harness/systems',
    // The rules of port `Cluster`, which every implementation shares.
    'harness/cluster/members.ts',
    'harness/workload',
    'harness/checker',
    'harness/invariants',
    'harness/view',
    'node/raft',
    'node/kv',
    'node/replica',
    'node/storage',
    // The shipped options of a node.
    'node/server/tuning.ts',
  ]),
  { path: 'harness/cli', floor: 9 },
  { path: 'node/raft', floor: 1, only: [] },
  { path: 'node/kv', floor: 2 },
  { path: 'node/protocol', floor: 3 },
  { path: 'node/replica', floor: 4 },
  { path: 'node/server', floor: 5 },
  { path: 'node/transport', floor: 5 },
  { path: 'node/storage', floor: 5 },
  // Assembles the node from its parts. `main.mjs` only calls it.
  { path: 'node/server/run-node.ts', floor: 6 },
  { path: 'node/main.mjs', floor: 7 },
];

/** Doors: the only places that may import a dependency, or a module of Node.js that acts on the machine. */
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
    'harness/scenario/language/load.ts',
    'harness/cluster',
    'harness/links',
    'harness/cli',
  ],
  'node:child_process': ['harness/cluster', 'harness/cli'],
  'node:worker_threads': ['harness/checker', 'harness/workload'],
  'node:http': ['node/server/admin-server.ts', 'harness/links'],
  'node:net': ['node/server', 'node/transport', 'harness/links', 'harness/systems/raft'],
};

/** Files that import a module whose name only the run knows, each with the reason. */
export const COMPUTED_IMPORTS: Readonly<Record<string, string>> = {
  'harness/workload/worker.ts': 'the system under test names the module of its clients',
};

export const MOST_COLUMNS = 120;
export const MOST_LITERAL_COLUMNS = 240;
export const MOST_LINES = 400;

/** Files that may be longer than `MOST_LINES`, each with the reason why it is one idea nevertheless. */
export const LONG_FILES: Readonly<Record<string, string>> = {};

/** Programs that may print, because their output is their interface. Elsewhere the caller decides what is shown. */
export const MAY_PRINT: readonly string[] = [
  'harness/cli',
  'harness/links/builtin/main.ts',
  'node/server/run-node.ts',
  'bench',
];
