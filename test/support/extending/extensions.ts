import type { Edit } from '../../../tools/features/removal.ts';

/**
 * One thing that a contributor adds: new files, edits of files that exist, and files that a command writes again. Docs
 * are not counted.
 */
export interface Extension {
  readonly kind: string;
  /** Text of each new file, by its path. */
  readonly files: Readonly<Record<string, string>>;
  readonly edits: readonly Edit[];
  /** Files that are the output of a command, which changes with the extension. */
  readonly generated?: readonly string[];
}

/** Output of `chaos schema`. It contains every fault and the name of every system. */
export const SCHEMA_FILE = 'scenarios/schema/scenario.v1.json';

const fault: Extension = {
  kind: 'fault',
  files: {
    'harness/nemesis/faults/stutter.ts': `import { defineFault } from '../fault.ts';
import { nodeSpec } from '../fields.ts';

/** Pauses the nodes and resumes them at once. */
export const stutter = defineFault({
  verb: 'stutter',
  summary: 'pause nodes and resume them at once',
  schema: nodeSpec({}),
  lasting: false,
  needs: ['pause'],
  aim: (spec, { select }) => {
    const nodes = select(spec.node);
    return {
      text: \`stutter \${nodes.join(' ')}\`,
      nodes,
      links: [],
      inject: async ({ cluster }) => {
        for (const node of nodes) {
          await cluster.pause(node);
          await cluster.resume(node);
        }
      },
      evidence: () => \`\${nodes.join(' ')} stood still\`,
    };
  },
});
`,
  },
  edits: [
    {
      file: 'harness/nemesis/registry.ts',
      find: `import { slice } from './faults/slice.ts';`,
      replace: `import { slice } from './faults/slice.ts';\nimport { stutter } from './faults/stutter.ts';`,
    },
    {
      file: 'harness/nemesis/registry.ts',
      find: 'pause, resume, rollingRestart,',
      replace: 'pause, resume, rollingRestart, stutter,',
    },
  ],
  generated: [SCHEMA_FILE],
};

const system: Extension = {
  kind: 'system',
  files: {
    'harness/systems/silent/system.ts': `import type { System } from '../../ports/system.ts';
import { raftSystem } from '../raft/system.ts';

/** Our node, but it reports nothing: no status, no trace. */
export const silentSystem = (program?: string): System => {
  const { command, client } = raftSystem(program);
  return {
    name: 'silent',
    client,
    command: (node) => {
      const { args, ...rest } = command(node);
      const at = args.indexOf('--report-fd');
      return { ...rest, args: [...args.slice(0, at), ...args.slice(at + 2)] };
    },
  };
};
`,
  },
  edits: [
    {
      file: 'harness/systems/registry.ts',
      find: `  raft: async () => (await import('./raft/system.ts')).raftSystem,`,
      replace: `  raft: async () => (await import('./raft/system.ts')).raftSystem,
  silent: async () => (await import('./silent/system.ts')).silentSystem,`,
    },
  ],
  generated: [SCHEMA_FILE],
};

const panel: Extension = {
  kind: 'panel',
  files: {
    'harness/dashboard/panels/motto.ts': `import { frame, span, type Line } from '../../output/paint.ts';
import type { Scene, Size } from './panel.ts';

/** A box with one sentence in it. */
export function mottoPanel({ glyphs }: Scene, { width, height }: Size): readonly Line[] {
  return frame({ title: [span('MOTTO')], lines: [[span('Unknown is never ok.')]], width, height, glyphs });
}
`,
  },
  edits: [
    {
      file: 'harness/dashboard/screen.ts',
      find: `import { verdictLine, verdictPanel } from './panels/verdict.ts';`,
      replace: `import { verdictLine, verdictPanel } from './panels/verdict.ts';\nimport { mottoPanel } from './panels/motto.ts';`,
    },
    {
      file: 'harness/dashboard/screen.ts',
      find: 'opsPlot(false), latencyPlot(false)];',
      replace: 'opsPlot(false), latencyPlot(false), mottoPanel];',
    },
  ],
};

const picture: Extension = {
  kind: 'report picture',
  files: {
    'harness/report/page/node-count.ts': `import { markup } from '../markup.ts';
import type { Markup } from '../markup.ts';
import type { ReportModel } from '../model/model.ts';

/** One circle per node. */
export function nodeCount({ result }: ReportModel): Markup {
  const circles = result.nodes.map((_, i) => markup\`<circle cx="\${String(10 + 20 * i)}" cy="10" r="8"/>\`);
  return markup\`<svg class="node-count" height="20">\${circles}</svg>\`;
}
`,
  },
  edits: [
    {
      file: 'harness/report/page/page.ts',
      find: `import { operations } from './operations.ts';`,
      replace: `import { nodeCount } from './node-count.ts';\nimport { operations } from './operations.ts';`,
    },
    {
      file: 'harness/report/page/page.ts',
      find: `const DETAILS: readonly Section[] = [`,
      replace: `const DETAILS: readonly Section[] = [\n  { id: 'node-count', title: 'Nodes', draw: nodeCount },`,
    },
  ],
};

const subcommand: Extension = {
  kind: 'subcommand',
  files: {
    'harness/cli/commands/motto.ts': `import type { Command } from 'commander';

export function defineMotto(program: Command): void {
  program
    .command('motto')
    .description('print the motto')
    .action(() => console.log('Unknown is never ok.'));
}
`,
  },
  edits: [
    {
      file: 'harness/cli/main.ts',
      find: `import { defineMembers } from './commands/members.ts';`,
      replace: `import { defineMembers } from './commands/members.ts';\nimport { defineMotto } from './commands/motto.ts';`,
    },
    {
      file: 'harness/cli/main.ts',
      find: '  defineClean,\n];',
      replace: '  defineClean,\n  defineMotto,\n];',
    },
  ],
};

const format: Extension = {
  kind: 'history format',
  files: {
    'harness/history/formats/semicolons.ts': `import type { Op } from '../op.ts';
import type { HistoryFormat } from './history.ts';

/** One finished write or read per line: \`from;to;f;key;value\`, times in ms. */
export const semicolons: HistoryFormat = {
  name: 'semicolons',
  example: '0;1;write;x;1\\n',
  looksLike: (head) => /^\\d+;\\d+;(?:read|write);/.test(head),
  read: (text, { onOp }) => {
    const rows = text.split('\\n').filter((line) => line !== '');
    const ops = rows.map((line, id): Op => {
      const [from, to, f, key, value] = line.split(';') as [string, string, 'read' | 'write', string, string];
      const io = f === 'write' ? { input: value } : { input: null, output: value };
      const times = { call: Number(from), return: Number(to) };
      return { id, process: id, f, key, ...io, ...times, outcome: 'ok', node: 'n1', attempts: 1 };
    });
    ops.forEach((op, position) => onOp?.(op, position));
    const numbers = ops.map((_, i) => i + 1);
    const lines = { calls: numbers, returns: numbers };
    return { format: 'semicolons', ops, lists: false, lines, clock: 'time', notes: [], initial: null, processNames: new Map() };
  },
};
`,
  },
  edits: [
    {
      file: 'harness/history/formats/registry.ts',
      find: `import { porcupineKv } from './porcupine-kv.ts';`,
      replace: `import { porcupineKv } from './porcupine-kv.ts';\nimport { semicolons } from './semicolons.ts';`,
    },
    {
      file: 'harness/history/formats/registry.ts',
      find: '[json, chaosLines, porcupineKv, jepsenEdn, jepsenLog]',
      replace: '[json, chaosLines, porcupineKv, jepsenEdn, jepsenLog, semicolons]',
    },
  ],
};

export const EXTENSIONS: readonly Extension[] = [fault, system, panel, picture, subcommand, format];

/** Paths that a contributor touches for it by hand. */
export const filesTouched = ({ files, edits }: Extension): readonly string[] => [
  ...new Set([...Object.keys(files), ...edits.map(({ file }) => file)]),
];
