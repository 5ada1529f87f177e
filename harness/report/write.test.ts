import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { generatedRun } from '../../test/support/generated-run.ts';
import { parseStrictly } from '../../test/support/well-formed.ts';
import type { RunResult } from '../result.ts';
import { ReportWriteError, pointLatest, writeReport } from './write.ts';

const made: string[] = [];
const folder = (): string => made[made.push(mkdtempSync(join(tmpdir(), 'chaos-report-'))) - 1]!;
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true });
});

const broken = generatedRun({ seconds: 20, operations: 5_000, seed: 7, violation: true });
const FILES = ['junit.xml', 'report.html', 'result.json', 'run.scenario.yaml', 'scenario.yaml', 'summary.md'];

test('a report is six files, all with the same verdict, and no drafts are left', async () => {
  const dir = join(folder(), 'run');
  const { html } = await writeReport({ dir, ...broken });
  expect(readdirSync(dir).sort()).toEqual(FILES);
  const read = (name: string): string => readFileSync(join(dir, name), 'utf8');
  const result = JSON.parse(read('result.json')) as RunResult & { report: { faults: { label: string }[] } };
  expect(result).toMatchObject({ schema: 'chaos/result/v1', verdict: 'violation', exitCode: 1, seed: 7 });
  expect(result.report.faults.map((fault) => fault.label)).toEqual(['A', 'B', 'C', 'D', 'E']);
  expect(parseStrictly(readFileSync(html, 'utf8')).find((e) => e.name === 'title')!.text).toMatch(
    /^VIOLATION/,
  );
  const verdict = parseStrictly(read('junit.xml')).find((e) => e.attributes.get('name') === 'verdict');
  expect(verdict!.attributes.get('value')).toBe('violation');
  expect(read('summary.md')).toMatch(/^## ❌ partition-leader: VIOLATION/);
  expect(read('scenario.yaml')).toBe(broken.scenarioText);
  expect(read('run.scenario.yaml')).toBe(broken.flatScenarioText);
});

test('if a file cannot be written, the others are, and the error names the file', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'junit.xml', 'in-the-way'), { recursive: true });
  const failure = await writeReport({ dir, ...broken }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ReportWriteError);
  expect((failure as ReportWriteError).failures.map(({ file }) => file)).toEqual(['junit.xml']);
  expect((failure as ReportWriteError).message).toContain('junit.xml (');
  expect(readdirSync(dir).sort()).toEqual(FILES);
  expect(statSync(join(dir, 'report.html')).size).toBeGreaterThan(50_000);
});

test('if a write fails in the middle, only that file is missing: the others are whole, and no half file remains', async () => {
  const dir = folder();
  const script = join(dir, 'write.ts');
  const imports = ['write.ts', '../../test/support/generated-run.ts'].map(
    (path) => new URL(path, import.meta.url).href,
  );
  writeFileSync(
    script,
    `const { writeReport } = await import('${imports[0]}');
     const { generatedRun } = await import('${imports[1]}');
     const run = generatedRun({ seconds: 20, operations: 5000, seed: 7, violation: true });
     await writeReport({ dir: '${dir}/run', ...run }).catch((error) => console.log(error.message));`,
  );
  // The limit on a file's size replaces a full disk: the write fails when part of it is done.
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    `ulimit -f 64; exec "${process.execPath}" "${script}"`,
  ]);
  expect(stdout).toMatch(/run: not written: report\.html \(EFBIG/);
  expect(readdirSync(join(dir, 'run')).sort()).toEqual(FILES.filter((name) => name !== 'report.html'));
  expect(() => parseStrictly(readFileSync(join(dir, 'run', 'junit.xml'), 'utf8'))).not.toThrow();
});

test('an existing report is replaced', async () => {
  const dir = folder();
  await writeReport({ dir, ...broken });
  await writeReport({ dir, ...generatedRun({ seconds: 20, operations: 100, seed: 8, violation: false }) });
  expect(JSON.parse(readFileSync(join(dir, 'result.json'), 'utf8'))).toMatchObject({
    verdict: 'pass',
    seed: 8,
  });
});

test('latest is a relative link to the newest run, and is replaced', () => {
  const reports = folder();
  for (const run of ['first', 'second']) {
    mkdirSync(join(reports, run));
    pointLatest(reports, join(reports, run));
    expect(readlinkSync(join(reports, 'latest'))).toBe(run);
  }
  expect(readdirSync(reports).sort()).toEqual(['first', 'latest', 'second']);
});

test('a folder called latest is not touched, and the error says what to do', () => {
  const reports = folder();
  mkdirSync(join(reports, 'latest', 'somebody'), { recursive: true });
  expect(() => pointLatest(reports, join(reports, 'run'))).toThrow(/move it away/);
  expect(readdirSync(reports)).toEqual(['latest']);
});
