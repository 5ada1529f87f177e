import { monitorEventLoopDelay } from 'node:perf_hooks';
import { PassThrough } from 'node:stream';
import { INITIAL_UI } from '../harness/dashboard/ui.ts';
import { UNICODE } from '../harness/output/paint.ts';
import { reduce } from '../harness/dashboard/reducer.ts';
import { EMPTY_STATE } from '../harness/dashboard/state.ts';
import { startDashboard } from '../harness/dashboard/start.ts';
import type { HarnessEvent } from '../harness/event.ts';
import { DemoRun } from '../test/support/demo-run.ts';

/**
 * `node bench/dashboard.ts [seconds]`: measures the cost of the dashboard with an invented run. Prints the time per
 * frame, its share of a core at its normal frame rate, the times from a key and from a violation to the screen, and the
 * bytes written per second.
 */
const VIOLATIONS = 15;
const seconds = Number(process.argv[2] ?? 20);
process.env['NODE_ENV'] = 'production';

console.log(JSON.stringify({ frame: await frameMs(), ...(await live()) }, null, 2));
process.exit(0);

/** Time to make a frame of text from a state (React, panels, charts, Ink's layout) without the terminal, in ms. */
async function frameMs(): Promise<Record<string, { median: number; p95: number; cpuMean: number }>> {
  const { createElement } = await import('react');
  const { render } = await import('ink');
  const { Screen } = await import('../harness/dashboard/view.ts');
  const result: Record<string, { median: number; p95: number; cpuMean: number }> = {};
  for (const [width, height] of [
    [100, 30],
    [80, 24],
    [200, 60],
  ] as const) {
    const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: width, rows: height });
    stdout.resume();
    let state = EMPTY_STATE;
    const run = new DemoRun({ seed: 42, emit: (event) => (state = reduce(state, event)) });
    run.advance(60_000);
    const element = () =>
      createElement(Screen, {
        scene: {
          state,
          ui: INITIAL_UI,
          now: state.t,
          clock: 0,
          glyphs: UNICODE,
          watchOnly: false,
          canDump: true,
        },
        size: { width, height },
        color: true,
      });
    const options = {
      stdout: stdout as unknown as NodeJS.WriteStream,
      interactive: true,
      alternateScreen: true,
      incrementalRendering: true,
      maxFps: 10_000,
      patchConsole: false,
    };
    const ink = render(element(), options);
    const times: number[] = [];
    let cpu = process.cpuUsage();
    for (let frame = 0; frame < 300; frame++) {
      run.advance(250);
      const from = performance.now();
      ink.rerender(element());
      await ink.waitUntilRenderFlush();
      if (frame >= 50) times.push(performance.now() - from);
      else cpu = process.cpuUsage();
    }
    const used = process.cpuUsage(cpu);
    ink.unmount();
    result[`${width}x${height}`] = {
      median: quantile(times, 0.5),
      p95: quantile(times, 0.95),
      cpuMean: round((used.user + used.system) / 1_000 / times.length),
    };
  }
  return result;
}

/** Runs the dashboard as a run does: with events, four frames per second, and a key now and then. */
async function live(): Promise<Record<string, number>> {
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: () => stdin,
    ref: () => stdin,
    unref: () => stdin,
  });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 100, rows: 30 });
  let bytes = 0;
  let waiting: { readonly text: string; readonly from: number } | null = null;
  const keyMs: number[] = [];
  stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (waiting === null || !chunk.includes(waiting.text)) return;
    keyMs.push(performance.now() - waiting.from);
    waiting = null;
  });
  let listener: (event: HarnessEvent) => void = () => undefined;
  const run = new DemoRun({ seed: 42, emit: (event) => listener(event) });
  const dashboard = startDashboard({
    subscribe: (added) => {
      listener = added;
      return () => undefined;
    },
    command: (command) => run.command(command),
    watchOnly: false,
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
  });
  const pace = setInterval(() => run.advance(50), 50);
  await sleep(3_000);
  const lag = monitorEventLoopDelay({ resolution: 5 });
  lag.enable();
  const cpu = process.cpuUsage();
  const from = performance.now();
  const written = bytes;
  await sleep(seconds * 1_000);
  const used = process.cpuUsage(cpu);
  const share = (used.user + used.system) / 1_000 / (performance.now() - from);
  const rate = (bytes - written) / seconds;
  lag.disable();
  for (let i = 0; i < 20; i++) {
    // Opens a menu, waits until its title is visible, and closes it again.
    waiting = { text: 'ONE WAY', from: performance.now() };
    stdin.write('I');
    await sleep(317);
    stdin.write('Q');
    await sleep(200);
  }
  const violationMs: number[] = [];
  for (let i = 1; i <= VIOLATIONS; i++) {
    // Only the changed part of a line is written, and its last digit always changes.
    const shown = i === 1 ? 'VIOLATION' : `${(i - 1) % 10} more)`;
    await new Promise<void>((resolve) => {
      const from = performance.now();
      const look = (chunk: Buffer): void => {
        if (!chunk.includes(shown)) return;
        violationMs.push(performance.now() - from);
        stdout.off('data', look);
        resolve();
      };
      stdout.on('data', look);
      listener({
        t: 1,
        type: 'violation',
        property: 'linearizability',
        key: `k${i}`,
        text: 'stale',
        live: true,
      });
    });
    await sleep(173);
  }
  clearInterval(pace);
  await dashboard.stop();
  return {
    coreSharePercent: round(share * 100),
    keyToScreenMsMedian: quantile(keyMs, 0.5),
    keyToScreenMsP95: quantile(keyMs, 0.95),
    keysSeen: keyMs.length,
    violationToScreenMsMedian: quantile(violationMs, 0.5),
    violationToScreenMsMost: quantile(violationMs, 1),
    bytesPerSecond: Math.round(rate),
    eventLoopLagMsP99: round(lag.percentile(99) / 1e6),
    rssMb: Math.round(process.memoryUsage().rss / 1e6),
  };
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
