import type { HarnessEvent, ManualCommand } from '../event.ts';
import type { RunResult } from '../result.ts';
import { startLineOutput } from '../dashboard/line.ts';
import { summaryText } from '../dashboard/summary.ts';

export type ReporterKind = 'tui' | 'line' | 'json';

/** What a run tells a person or a program while it goes on, and at its end. */
export interface Reporter {
  /** Restores the terminal; nothing is drawn after it resolves. */
  stop(): Promise<void>;
  /** What survives on the screen. */
  summarize(result: RunResult): void;
}

/** The dashboard needs a terminal that it can redraw; where there is none, line output serves. */
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
}): Promise<Reporter> {
  const { subscribe, command, watchOnly } = options;
  const summarize = (result: RunResult): void => {
    const color = process.stdout.isTTY && !process.env['NO_COLOR'];
    process.stdout.write(`${summaryText(result, { width: process.stdout.columns ?? 100, color })}\n`);
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
        stdin: process.stdin,
        stdout: process.stdout,
      });
      return { stop: () => dashboard.stop(), summarize };
    }
    default:
      return options.kind satisfies never;
  }
}

/** Every event but trace and status as a JSON line, the result last: for programs. */
function jsonReporter(subscribe: (listener: (event: HarnessEvent) => void) => () => void): Reporter {
  const unsubscribe = subscribe((event) => {
    if (event.type !== 'trace' && event.type !== 'status') process.stdout.write(`${JSON.stringify(event)}\n`);
  });
  return {
    stop: async () => unsubscribe(),
    summarize: (result) => void process.stdout.write(`${JSON.stringify({ type: 'result', ...result })}\n`),
  };
}
