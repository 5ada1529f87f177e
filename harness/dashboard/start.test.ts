import { Console } from 'node:console';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { runEvent, statusEvent } from '../../test/support/events.ts';
import type { HarnessEvent, ManualCommand } from '../event.ts';
import { startDashboard, type Dashboard, type DashboardOptions } from './start.ts';

const ENTER_ALTERNATE = '\u001b[?1049h';
const LEAVE_ALTERNATE = '\u001b[?1049l';
const SHOW_CURSOR = '\u001b[?25h';

/** A terminal that records the written bytes and the raw mode for the test. */
class Terminal {
  readonly stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    isRaw: false,
    setRawMode(on: boolean) {
      this.isRaw = on;
      return this;
    },
    ref: () => undefined,
    unref: () => undefined,
  });
  readonly stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 100, rows: 30 });
  written = '';
  #waiting: { readonly text: string; readonly resolve: () => void }[] = [];

  constructor() {
    this.stdout.on('data', (chunk: Buffer) => {
      this.written += chunk.toString();
      this.#waiting = this.#waiting.filter(({ text, resolve }) => {
        if (!this.text.includes(text)) return true;
        resolve();
        return false;
      });
    });
  }

  get text(): string {
    return stripVTControlCharacters(this.written);
  }

  /** Resolves when this text has been written. */
  async shows(text: string): Promise<void> {
    if (this.text.includes(text)) return;
    await new Promise<void>((resolve) => this.#waiting.push({ text, resolve }));
  }
}

interface Started {
  readonly terminal: Terminal;
  readonly dashboard: Dashboard;
  readonly commands: ManualCommand[];
  readonly emit: (event: HarnessEvent) => void;
  /** Resolves with the next command. */
  readonly commanded: () => Promise<ManualCommand>;
}

// Ink needs `console.Console`, which the test runner's console does not have.
beforeAll(() => {
  console.Console ??= Console;
});

const open: Dashboard[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((dashboard) => dashboard.stop()));
});

function start(more: Partial<DashboardOptions> = {}): Started {
  const terminal = new Terminal();
  const listeners = new Set<(event: HarnessEvent) => void>();
  const commands: ManualCommand[] = [];
  let heard: (command: ManualCommand) => void = () => undefined;
  const dashboard = startDashboard({
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    command: (command) => {
      commands.push(command);
      heard(command);
    },
    watchOnly: false,
    stdin: terminal.stdin as unknown as NodeJS.ReadStream,
    stdout: terminal.stdout as unknown as NodeJS.WriteStream,
    ...more,
  });
  open.push(dashboard);
  return {
    terminal,
    dashboard,
    commands,
    emit: (event) => listeners.forEach((listener) => listener(event)),
    commanded: () => new Promise((resolve) => (heard = resolve)),
  };
}

describe('a dashboard', { timeout: 15_000 }, () => {
  test('uses the terminal and restores it at the end', async () => {
    const { terminal, dashboard, emit } = start();
    const listeners = process.listenerCount('uncaughtExceptionMonitor');
    emit(runEvent());
    await terminal.shows('partition-leader.yaml');
    expect(terminal.written).toContain(ENTER_ALTERNATE);
    expect(terminal.stdin.isRaw).toBe(true);
    await dashboard.stop();
    await dashboard.finished;
    expect(terminal.written).toContain(LEAVE_ALTERNATE);
    expect(terminal.written.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(
      terminal.written.lastIndexOf('\u001b[?25l'),
    );
    expect(terminal.stdin.isRaw).toBe(false);
    expect(process.listenerCount('uncaughtExceptionMonitor')).toBe(listeners - 1);
    const after = terminal.written;
    emit({ t: 1, type: 'note', level: 'info', text: 'the dashboard has ended' });
    expect(terminal.written).toBe(after);
  });

  test('shows up to which time everything is checked, and a violation if there is one', async () => {
    const { terminal, emit } = start();
    emit(runEvent());
    emit({ t: 20_100, type: 'checked', to: 20_100, keys: 5, undecided: 2 });
    await terminal.shows('no violation, checked to 00:20, 2 keys at the end');
    const text = 'Key k0: read#9 (n1) returned "c1.2"';
    emit({ t: 20_200, type: 'violation', property: 'linearizability', key: 'k0', text, live: true });
    await terminal.shows('VIOLATION linearizability: Key k0: read#9');
  });

  test('does not touch the terminal if it is stopped before it opens', async () => {
    const { terminal, dashboard } = start();
    await dashboard.stop();
    expect(terminal.written).toBe('');
  });

  test('turns keys into commands, even several keys in one chunk', async () => {
    const { terminal, emit, commanded, commands } = start();
    emit(runEvent());
    for (const node of ['n1', 'n2', 'n3']) emit({ t: 1, type: 'life', node, life: 'up', pid: 1 });
    await terminal.shows('n3   UP');
    const first = commanded();
    terminal.stdin.write('2k');
    expect(await first).toEqual({ type: 'inject', step: { kill: { node: 'n2' } } });
    const second = commanded();
    terminal.stdin.write('\u0003');
    expect(await second).toEqual({ type: 'stop' });
    const third = commanded();
    terminal.stdin.write('\u0003');
    expect(await third).toEqual({ type: 'abort' });
    expect(commands).toHaveLength(3);
  });

  test('shows what a key does, and then the line that the run has recorded', async () => {
    const dumps: string[] = [];
    const { terminal, emit } = start({ dump: async (text) => `screen-${dumps.push(text)}` });
    emit(runEvent());
    for (const node of ['n1', 'n2', 'n3']) emit({ t: 1, type: 'life', node, life: 'up', pid: 1 });
    await terminal.shows('n3   UP');
    terminal.stdin.write('2kD');
    await terminal.shows('screen-1');
    expect(dumps[0]).toMatch(/^ kill n2 *$/m);
    const line = '{at: 1.2s, kill: {node: n2}, by: manual, as: manual-1, resolved: [n2]}';
    emit({ t: 2, type: 'note', level: 'info', text: line, by: 'manual' });
    terminal.stdin.write('D');
    await expect.poll(() => dumps.length).toBe(2);
    expect(dumps[1]!.split('\n').map((each) => each.trim())).toContain(line);
  });

  test('writes the screen as text to the given folder', async () => {
    const dumps: string[] = [];
    const { terminal, emit } = start({
      dump: async (text) => {
        dumps.push(text);
        return 'reports/7f3a/screen.txt';
      },
    });
    emit(runEvent());
    emit(statusEvent(5, 'n2', 'leader', 3));
    await terminal.shows('NODES');
    terminal.stdin.write('D');
    await terminal.shows('screen written to reports/7f3a/screen.txt');
    expect(dumps[0]!.split('\n')).toHaveLength(30);
    expect(dumps[0]).toContain('VERDICT SO FAR');
  });

  test('adapts to a resized terminal', async () => {
    const { terminal, emit } = start();
    emit(runEvent());
    await terminal.shows('UPTIME');
    terminal.stdout.columns = 40;
    terminal.stdout.rows = 8;
    terminal.stdout.emit('resize');
    await terminal.shows('STARTING 00:00 step 0/3 no leads ok 0');
  });

  test('ends when its terminal is closed, and the run continues', async () => {
    const { terminal, dashboard, emit } = start();
    emit(runEvent());
    await terminal.shows('NODES');
    terminal.stdout.emit('error', Object.assign(new Error('write EIO'), { code: 'EIO' }));
    await dashboard.finished;
    emit({ t: 1, type: 'phase', phase: 'running' });
  });

  test('restores the terminal if it fails to draw, and line output continues', async () => {
    const { terminal, dashboard, emit } = start();
    emit(runEvent());
    await terminal.shows('NODES');
    // This state is impossible in a real run. An error in a panel must not end the run.
    emit({ ...runEvent(), steps: [{ text: null as unknown as string, line: 1 }] } as HarnessEvent);
    await dashboard.finished;
    expect(terminal.written).toContain(LEAVE_ALTERNATE);
    emit({ t: 9_000, type: 'note', level: 'info', text: 'the run goes on' });
    await terminal.shows('00:09.000 note   the run goes on');
  });
});
