import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { importCircles, tornComments, wideLines, wrongImports, wrongText } from './check.ts';
import { COMPUTED_IMPORTS, DOORS, LONG_FILES, PARTS } from './table.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const paths = (await Array.fromAsync(glob('{node,harness,test,tools,bench}/**/*.{ts,mjs}', { cwd: ROOT })))
  .map((path) => path.replaceAll('\\', '/'))
  .sort();
const files = paths.map((path) => ({ path, text: readFileSync(`${ROOT}/${path}`, 'utf8') }));

test('every file imports only what its floor and the doors allow', () => {
  expect(files.length).toBeGreaterThan(100);
  expect(files.flatMap(wrongImports)).toEqual([]);
});

test('no files import each other in a circle', () => {
  expect(importCircles(files)).toEqual([]);
});

test('no file is too long, and none has a default export, an open note or a stray print', () => {
  expect(files.flatMap(wrongText)).toEqual([]);
});

test('no line is wider than the limit', () => {
  expect(files.flatMap(wideLines)).toEqual([]);
});

test('no comment is torn into short lines', () => {
  expect(files.flatMap(tornComments)).toEqual([]);
});

test('the tables name only existing files and folders', () => {
  const exists = (path: string): boolean =>
    paths.some((file) => file === path || file.startsWith(`${path}/`));
  const named = [
    ...Object.values(DOORS).flat(),
    ...Object.keys(LONG_FILES),
    ...Object.keys(COMPUTED_IMPORTS),
    ...PARTS.map((part) => part.path),
  ];
  expect(named.filter((path) => !exists(path))).toEqual([]);
});

describe('the check finds torn comments', () => {
  const long =
    'The first line of a paragraph is as long as a line may be and its sentence goes on in the next line,';
  const torn = (...lines: readonly string[]) => tornComments({ path: 'a.ts', text: lines.join('\n') });

  test('in a block and in line comments', () => {
    expect(torn('/**', ` * ${long}`, ' * which is', ' * cut short before its end.', ' */')).toHaveLength(1);
    expect(torn(`// ${long}`, '// which is', '// cut short.')).toEqual([
      'a.ts:2: a comment line ends early in mid-sentence: wrap the paragraph again',
    ]);
  });

  test('the check accepts a paragraph that is well wrapped, and a list, table or example', () => {
    expect(torn(`// ${long}`, '// which ends it.')).toEqual([]);
    expect(torn(`// ${long}`, '// - one', '// - two', '// 1. three', '// | a | b |')).toEqual([]);
    expect(torn(`// ${long}`, '// here:', '// an example')).toEqual([]);
    expect(torn(`// ${long}`, '//', '// short', 'code();', '// short')).toEqual([]);
  });
});

describe('the check of import circles', () => {
  const circles = (...modules: readonly (readonly [path: string, ...targets: string[]])[]) =>
    importCircles(
      modules.map(([path, ...targets]) => ({
        path,
        text: targets.map((target) => `import type { X } from '${target}';\n`).join(''),
      })),
    );

  test('finds circles of two and three files, each once and as a path', () => {
    expect(
      circles(
        ['a/a.ts', '../b/b.ts'],
        ['b/b.ts', '../a/a.ts'],
        ['c.ts', './d.ts'],
        ['d.ts', './e.ts'],
        ['e.ts', './c.ts'],
      ),
    ).toEqual(['a/a.ts → b/b.ts → a/a.ts', 'c.ts → d.ts → e.ts → c.ts']);
  });

  test('finds a file that imports itself', () => {
    expect(circles(['a.ts', './a.ts'])).toEqual(['a.ts → a.ts']);
  });

  test('finds nothing without a circle', () => {
    expect(circles(['a.ts', './b.ts', './c.ts'], ['b.ts', './c.ts'], ['c.ts', 'node:fs'])).toEqual([]);
  });
});

describe('the check', () => {
  const wrong = (path: string, text: string): readonly string[] =>
    [wrongImports, wrongText, wideLines].flatMap((rule) => rule({ path, text }));

  test.each([
    ['an import of a higher part in the core', 'node/raft/log.ts', `import { x } from '../kv/store.ts';`],
    [
      'an import of a type in the core',
      'node/raft/log.ts',
      `import type { X } from '../protocol/client.ts';`,
    ],
    ['an import of Node.js in the core', 'node/raft/log.ts', `import { randomInt } from 'node:crypto';`],
    [
      'an import of a higher floor in the node',
      'node/kv/store.ts',
      `export { y } from '../replica/replica.ts';`,
    ],
    [
      'an import of a neighbour on the same floor',
      'node/storage/wal.ts',
      `import { z } from '../transport/peer-link.ts';`,
    ],
    [
      'an import of the harness in the node',
      'node/main.mjs',
      `import type { Op } from '../harness/history/op.ts';`,
    ],
    [
      'a port sees the protocol',
      'harness/ports/cluster.ts',
      `import type { NodeReport } from '../../node/protocol/report.ts';`,
    ],
    [
      'the load sees the protocol',
      'harness/workload/client.ts',
      `import { encodeRequest } from '../../node/protocol/client-codec.ts';`,
    ],
    [
      'the command line sees the node',
      'harness/cli/run.ts',
      `new URL('../../node/main.mjs', import.meta.url);`,
    ],
    [
      'our system sees past the protocol',
      'harness/systems/raft/system.ts',
      `import { Raft } from '../../../node/raft/raft.ts';`,
    ],
    [
      'an import of the Raft core in the harness',
      'harness/cluster/local.ts',
      `import { Raft } from '../../node/raft/raft.ts';`,
    ],
    [
      'an import of the cluster in the report',
      'harness/report/write.ts',
      `import type { Cluster } from '../cluster/local.ts';`,
    ],
    [
      'an import of the node in the dashboard',
      'harness/dashboard/state.ts',
      `import type { R } from '../../node/protocol/report.ts';`,
    ],
    [
      'an import of an implementation of a port in the scenario',
      'harness/scenario/language/build.ts',
      `import { openLinks } from '../../links/open.ts';`,
    ],
    [
      'an import of the scenario in the checker',
      'harness/checker/search/wgl.ts',
      `import { run } from '../../scenario/play/runner.ts';`,
    ],
    [
      'an import over several lines',
      'harness/checker/search/wgl.ts',
      `import {\n  run, // both\n  stop,\n} from '../../scenario/play/runner.ts';`,
    ],
    [
      'an import of the part that uses it, in the same room',
      'harness/scenario/judge/ending.ts',
      `import { StepRunner } from '../play/step-runner.ts';`,
    ],
    ['a dynamic import', 'harness/nemesis/faults/cut.ts', `const m = await import('../../cli/run.ts');`],
    [
      'an imported type in place',
      'harness/nemesis/faults/cut.ts',
      `let x: import('../../scenario/play/runner.ts').RunOutcome;`,
    ],
    [
      'a worker named by its URL',
      'harness/checker/search/wgl.ts',
      `new Worker(new URL('../../workload/threaded.ts', import.meta.url));`,
    ],
    ['a URL without a dot', 'node/kv/store.ts', `new URL('../main.ts', import.meta.url);`],
    ['a computed import', 'harness/nemesis/faults/cut.ts', 'await import(`./${name}.ts`);'],
    ['a dependency outside its door', 'harness/report/write.ts', `import { execa } from 'execa';`],
    [
      'a part of a dependency outside its door',
      'harness/cli/run.ts',
      `import c from 'blessed-contrib/lib/x.js';`,
    ],
    ['a required dependency outside its door', 'harness/cli/run.ts', `const c = require('blessed-contrib');`],
    ['a dependency without a door', 'harness/cli/run.ts', `import _ from 'lodash';`],
    [
      'the file system outside its door',
      'harness/checker/search/wgl.ts',
      `import { readFile } from 'node:fs/promises';`,
    ],
    [
      'an import of test code in the product',
      'harness/checker/search/wgl.ts',
      `import { run } from '../../../test/support/chaos.ts';`,
    ],
    [
      'an import of a testing folder in the product',
      'node/raft/raft.ts',
      `import { w } from './testing/weather.ts';`,
    ],
    ['a file on no floor', 'harness/helpers/misc.ts', 'export const x = 1;'],
    ['a wide line', 'harness/random.ts', `// ${'x'.repeat(120)}`],
    ['a wide literal', 'harness/random.ts', `const x = '${'x'.repeat(240)}';`],
    ['a wide line in a test', 'harness/report/write.test.ts', `// ${'x'.repeat(120)}`],
    ['a long file', 'harness/report/write.ts', 'const x = 1;\n'.repeat(401)],
    [
      'a file that is on the list of long files and is short',
      Object.keys(LONG_FILES)[0] ?? 'harness/x',
      'const x = 1;\n',
    ],
    ['a default export', 'harness/random.ts', 'export default 1;'],
    ['an open note', 'harness/random.ts', ['// TO', 'DO: later'].join('')],
    ['printing', 'harness/report/write.ts', `  console.log('here');`],
  ])('finds %s', (_, path, text) => {
    expect(wrong(path, text)).toHaveLength(1);
  });

  test.each([
    [
      'an import of a lower floor',
      'harness/scenario/language/build.ts',
      `import { Nemesis } from '../../nemesis/nemesis.ts';`,
    ],
    [
      'an import of a port',
      'harness/nemesis/faults/cut.ts',
      `import type { Links } from '../../ports/links.ts';`,
    ],
    [
      'the protocol in the room of our system',
      'harness/systems/raft/wire.ts',
      `import { encodeRequest } from '../../../node/protocol/client-codec.ts';`,
    ],
    ['an import within a part', 'node/raft/raft.ts', `import { Log } from './log.ts';`],
    [
      'an import within a part, from a subfolder',
      'harness/report/page/page.ts',
      `import { markup } from '../markup.ts';`,
    ],
    ['a dependency in its door', 'harness/cluster/local.ts', `import { execa } from 'execa';`],
    [
      'an import of a higher floor in a test',
      'harness/report/write.test.ts',
      `import { x } from '../scenario/play/runner.ts';`,
    ],
    ['an import of data', 'harness/links/standard.ts', `new URL('../../toxiproxy.json', import.meta.url);`],
    [
      'the node’s program',
      'harness/systems/raft/system.ts',
      `new URL('../../../node/main.mjs', import.meta.url);`,
    ],
    ['a word in a string', 'harness/report/write.ts', `const text = 'never console.log(x)';`],
    ['a sentence in a literal', 'harness/random.ts', `const x = '${'x'.repeat(150)}';`],
    ['a line of the full width', 'harness/random.ts', 'é'.repeat(120)],
  ])('allows %s', (_, path, text) => {
    expect(wrong(path, text)).toEqual([]);
  });
});
