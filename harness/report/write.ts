import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { junitXml } from './junit.ts';
import { reportModel } from './model/model.ts';
import type { ReportInput, ReportModel } from './model/model.ts';
import { reportPage } from './page/page.ts';
import { resultJson } from './result-json.ts';
import { summaryMarkdown } from './summary-markdown.ts';

/** The smallest and most important files come first, so that they are written even if the disk becomes full. */
const FILES: readonly (readonly [name: string, text: (model: ReportModel) => string])[] = [
  ['result.json', resultJson],
  ['run.scenario.yaml', (model) => model.flatScenarioText],
  ['scenario.yaml', (model) => model.scenarioText],
  ['junit.xml', ({ result }) => junitXml(result)],
  ['summary.md', summaryMarkdown],
  ['report.html', reportPage],
];

/**
 * Some files of a report could not be written; the others exist. The message names each missing file with the reason.
 */
export class ReportWriteError extends Error {
  readonly failures: readonly { readonly file: string; readonly reason: string }[];

  constructor(dir: string, failures: ReportWriteError['failures']) {
    const list = failures.map(({ file, reason }) => `${file} (${reason})`).join(', ');
    super(`${dir}: not written: ${list}; the other files of the report are complete`);
    this.name = 'ReportWriteError';
    this.failures = failures;
  }
}

/**
 * Writes a run's report into `dir`, all files from one model so that the verdicts agree. A file appears whole or not at
 * all, and the failure of one does not stop the others. A file of an earlier report that cannot be replaced is removed,
 * because it may say something else. @throws {ReportWriteError} after every file that could be
 * written has been.
 */
export async function writeReport(
  options: { readonly dir: string } & ReportInput,
): Promise<{ html: string }> {
  const { dir, ...input } = options;
  await mkdir(dir, { recursive: true });
  const model = reportModel(input);
  const failures: { file: string; reason: string }[] = [];
  for (const [file, text] of FILES) {
    try {
      await writeWhole(join(dir, file), text(model));
    } catch (error) {
      failures.push({ file, reason: (error as Error).message });
      await rm(join(dir, file), { force: true }).catch(() => undefined);
    }
  }
  if (failures.length > 0) throw new ReportWriteError(dir, failures);
  return { html: join(dir, 'report.html') };
}

/** Writes to a temporary name in the same folder, then renames: a reader never sees half a file. */
async function writeWhole(path: string, text: string): Promise<void> {
  const draft = draftName(path);
  try {
    await using file = await open(draft, 'wx');
    await file.writeFile(text);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
  try {
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Two runs at the same time must not write to the same draft. */
const draftName = (path: string): string => `${path}.${process.pid}-${randomBytes(4).toString('hex')}.draft`;

/**
 * Points `latest` in the reports' folder at the run's folder, as a relative link so that the folder can be moved. The
 * link is replaced in one step: if two runs end at the same time, the later one wins, and the link is valid at every
 * moment.
 */
export function pointLatest(reportsDir: string, runDir: string): void {
  mkdirSync(reportsDir, { recursive: true });
  const latest = join(resolve(reportsDir), 'latest');
  const draft = draftName(latest);
  symlinkSync(relative(dirname(latest), resolve(runDir)) || '.', draft, 'dir');
  try {
    renameSync(draft, latest);
  } catch (error) {
    rmSync(draft, { force: true });
    const reason = (error as Error).message;
    const mend = 'if it is a folder instead of a link, move it away';
    throw new Error(`${latest}: cannot be pointed at ${runDir}: ${reason}; ${mend}`, { cause: error });
  }
}
