import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProjectCopy } from '../../../tools/features/copy.ts';
import type { RunResult } from '../../../harness/result.ts';
import { EXTENSIONS, filesTouched, SCHEMA_FILE } from './extensions.ts';

/** CONTRIBUTING.md promises how many files each kind of extension takes, not counting those that a command writes. */
const MOST_FILES = 2;

/** Draws the last tab of a small screen, and the report of a generated run, in the copy. */
const DRAW = `import type { HarnessEvent } from './harness/event.ts';
import { reduceAll } from './harness/dashboard/reducer.ts';
import { screenText } from './harness/dashboard/screen.ts';
import { INITIAL_UI } from './harness/dashboard/ui.ts';
import { ASCII } from './harness/output/paint.ts';
import { writeReport } from './harness/report/write.ts';
import { DemoRun } from './test/support/demo-run.ts';
import { generatedRun } from './test/support/generated-run.ts';
import { readFileSync } from 'node:fs';

const events: HarnessEvent[] = [];
new DemoRun({ seed: 1, emit: (event) => events.push(event) }).advance(2_000);
const state = reduceAll(events);
const ui = { ...INITIAL_UI, tab: -1 };
const scene = { state, ui, now: state.t, clock: 0, glyphs: ASCII, watchOnly: false, canDump: false };
const run = generatedRun({ operations: 100, seconds: 5, seed: 7, violation: false });
const { html } = await writeReport({ dir: 'reports/drawn', ...run });
const page = readFileSync(html, 'utf8');
console.log(JSON.stringify({ screen: screenText(scene, { width: 60, height: 16 }), page }));
`;

describe('a copy of the project with one extension of each kind', () => {
  let copy: ProjectCopy;
  const inCopy = (file: string, args: readonly string[], input = '') =>
    execa(file, args, { cwd: copy.folder, input, reject: false, env: { CI: '' } });
  const chaos = (args: readonly string[], input?: string) =>
    inCopy(process.execPath, ['harness/cli/chaos.mjs', ...args], input);

  beforeAll(async () => {
    copy = await ProjectCopy.make(EXTENSIONS.flatMap(({ edits }) => edits));
    const files = Object.assign({ 'draw.ts': DRAW }, ...EXTENSIONS.map((extension) => extension.files));
    for (const [path, text] of Object.entries(files as Record<string, string>)) {
      mkdirSync(dirname(join(copy.folder, path)), { recursive: true });
      writeFileSync(join(copy.folder, path), text);
    }
  });
  afterAll(async () => {
    await copy?.[Symbol.asyncDispose]();
  });

  test('takes at most two files for each, and at most one more that a command writes', () => {
    const counts = EXTENSIONS.map((extension) => ({
      kind: extension.kind,
      byHand: filesTouched(extension).length,
      generated: extension.generated?.length ?? 0,
    }));
    console.log(`files touched per extension: ${JSON.stringify(counts)}`);
    for (const { byHand, generated } of counts) {
      expect(byHand).toBeLessThanOrEqual(MOST_FILES);
      expect(generated).toBeLessThanOrEqual(1);
    }
  });

  test('has a JSON Schema with the new fault and the new system, which `chaos schema` prints', async () => {
    const { stdout, exitCode } = await chaos(['schema']);
    expect(exitCode).toBe(0);
    const written = readFileSync(join(copy.folder, SCHEMA_FILE), 'utf8');
    for (const name of ['stutter', 'silent']) {
      expect(written).not.toContain(`"${name}"`);
      expect(stdout).toContain(`"${name}"`);
    }
  });

  test('still has correct types', async () => {
    const { stdout, exitCode } = await inCopy(join(copy.folder, 'node_modules/.bin/tsc'), ['--noEmit']);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 });
  });

  test('accepts the new fault in a scenario', async () => {
    const scenario = `apiVersion: chaos/v1\nname: stutter\nsteps:\n  - stutter: { node: leader }\n`;
    writeFileSync(join(copy.folder, 'stutter.yaml'), scenario);
    expect(await chaos(['validate', 'stutter.yaml'])).toMatchObject({
      stdout: 'stutter.yaml: ok',
      exitCode: 0,
    });
  });

  test('runs a scenario on the new system, and does not judge what it does not report', async () => {
    const scenario = `apiVersion: chaos/v1
name: silent
cluster: { nodes: 3, system: silent }
steady:
  - progress: { ops: 20, within: 20s }
steps:
  - wait: { until: { progress: { ops: 20 } }, within: 20s }
`;
    writeFileSync(join(copy.folder, 'silent.yaml'), scenario);
    const run = ['run', 'silent.yaml', '--toxiproxy', 'builtin', '--reporter', 'line', '--out', 'reports'];
    const { exitCode, stdout } = await chaos(run);
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/PASS/) });
    const result = JSON.parse(
      readFileSync(join(copy.folder, 'reports/latest/result.json'), 'utf8'),
    ) as RunResult;
    const status = (name: string) => result.expectations.find((row) => row.name === name)?.status;
    expect([status('linearizable'), status('election-safety')]).toEqual(['pass', 'not-judged']);
  });

  test('draws the new panel and the new picture', async () => {
    const { stdout } = await inCopy(process.execPath, ['draw.ts']);
    const { screen, page } = JSON.parse(stdout) as { readonly screen: string; readonly page: string };
    expect(screen).toContain('Unknown is never ok.');
    expect(page).toContain('<svg class="node-count"');
  });

  test('runs the new subcommand', async () => {
    expect(await chaos(['motto'])).toMatchObject({ stdout: 'Unknown is never ok.', exitCode: 0 });
  });

  test('reads the new history format, and finds its violation', async () => {
    const { stdout, exitCode } = await chaos(['check', '-'], '0;1;write;x;1\n2;3;read;x;2\n');
    expect(stdout).toContain('Read as semicolons');
    expect(exitCode).toBe(1);
  });
});
