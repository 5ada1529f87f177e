import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { titlePattern } from './claims.ts';
import type { Claim } from './claims.ts';

/** Maximum time per test. A test may wait forever for behaviour that was removed. */
const TEST_TIMEOUT_MS = 30_000;

export interface Verdict {
  /** `passed`: all cases of the test passed. `failed`: a case failed. `missing`: the test did not run. */
  readonly outcome: 'passed' | 'failed' | 'missing';
  /** First line of the first failure. */
  readonly why: string;
}

/** The part of the JSON report of vitest that is read here. */
interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Runs only the named tests in `folder`, a copy of the project. */
export async function runTests(folder: string, claims: readonly Claim[]): Promise<readonly Verdict[]> {
  const output = join(folder, 'vitest.json');
  await fs.rm(output, { force: true });
  const args = [
    join(folder, 'node_modules/vitest/vitest.mjs'),
    'run',
    ...new Set(claims.map(({ file }) => file)),
    '--testNamePattern',
    claims.map(({ name }) => titlePattern(name)).join('|'),
    '--reporter=json',
    `--outputFile=${output}`,
    `--testTimeout=${TEST_TIMEOUT_MS}`,
    '--retry=0',
  ];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, 'close');
  let report: VitestReport;
  try {
    report = JSON.parse(await fs.readFile(output, 'utf8')) as VitestReport;
  } catch {
    throw new Error(`vitest wrote no report: ${stderr.slice(-2_000)}`);
  }
  return claims.map((claim) => verdictOf(folder, report, claim));
}

function verdictOf(folder: string, report: VitestReport, { file, name }: Claim): Verdict {
  const pattern = new RegExp(`^${titlePattern(name)}$`);
  const found = report.testResults.find((result) => result.name === join(folder, file));
  const cases = found?.assertionResults.filter(({ title }) => pattern.test(title)) ?? [];
  const failed = cases.find(({ status }) => status === 'failed');
  if (failed !== undefined) return { outcome: 'failed', why: firstLine(failed.failureMessages[0] ?? '') };
  const ran = cases.length > 0 && cases.every(({ status }) => status === 'passed');
  return ran ? { outcome: 'passed', why: '' } : { outcome: 'missing', why: firstLine(found?.message ?? '') };
}

const firstLine = (text: string): string => text.split('\n', 1)[0]!;
