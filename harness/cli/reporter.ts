import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { HarnessEvent, ManualCommand } from '../event.ts';
import type { RunResult } from '../result.ts';
import { glyphsFor } from '../output/environment.ts';
import { startLineOutput } from '../output/line.ts';
import { summaryText } from '../output/summary.ts';
import { printableJson } from '../printable.ts';

export type ReporterKind = 'tui' | 'line' | 'json';

/** Output of a run, during it and at its end. */
export interface Reporter {
  /** Restores the terminal; nothing is drawn after it resolves. */
  stop(): Promise<void>;
  /** Prints the summary that stays on the screen. */
  summarize(result: RunResult): void;
}

/** The dashboard needs a terminal that it can redraw; without one, line output is used. */
export function chooseReporter(
  wanted: ReporterKind | undefined,
): { readonly kind: ReporterKind } | { readonly error: string } {
  const capable = process.stdout.isTTY && process.stdin.isTTY && process.env['TERM'] !== 'dumb';
  if (wanted === 'tui' && !capable) {
    return {
      error:
        '--reporter tui: needs a terminal for both input and output (TERM not dumb); use --reporter line',
    };
  }
  return { kind: wanted ?? (capable && !process.env['CI'] ? 'tui' : 'line') };
}

export async function startReporter(options: {
  readonly kind: ReporterKind;
  readonly subscribe: (listener: (event: HarnessEvent) => void) => () => void;
  readonly command: (command: ManualCommand) => void;
  readonly watchOnly: boolean;
  /** The run's folder: dumps of the screen go there. */
  readonly dir: string;
}): Promise<Reporter> {
  const { subscribe, command, watchOnly } = options;
  const summarize = (result: RunResult): void => {
    const color = process.stdout.isTTY && !process.env['NO_COLOR'];
    const { ascii } = glyphsFor(process.env);
    process.stdout.write(`${summaryText(result, { width: process.stdout.columns ?? 100, color, ascii })}\n`);
  };
  switch (options.kind) {
    case 'line': {
      const output = startLineOutput({ subscribe, stdout: process.stdout });
      return { stop: async () => output.stop(), summarize };
    }
    case 'json':
      return jsonReporter(subscribe);
    case 'tui': {
      const { startDashboard } = await import('../dashboard/start.ts');
      const dashboard = startDashboard({
        subscribe,
        command,
        watchOnly,
        dump: screenDump(options.dir),
        stdin: process.stdin,
        stdout: process.stdout,
      });
      return { stop: () => dashboard.stop(), summarize };
    }
    default:
      return options.kind satisfies never;
  }
}

/** Writes `screen-1.txt`, `screen-2.txt`, … into the run's folder; resolves to the path as a person would type it. */
function screenDump(dir: string): (text: string) => Promise<string> {
  let dumps = 0;
  return async (text) => {
    const path = join(dir, `screen-${++dumps}.txt`);
    await writeFile(path, `${text}\n`, { flag: 'wx' });
    return relative(process.cwd(), path);
  };
}

/** Every event but trace and status as a JSON line, the result last: for programs. */
function jsonReporter(subscribe: (listener: (event: HarnessEvent) => void) => () => void): Reporter {
  const unsubscribe = subscribe((event) => {
    if (event.type !== 'trace' && event.type !== 'status')
      process.stdout.write(`${printableJson(JSON.stringify(event))}\n`);
  });
  return {
    stop: async () => unsubscribe(),
    summarize: (result) =>
      void process.stdout.write(`${printableJson(JSON.stringify({ type: 'result', ...result }))}\n`),
  };
}
