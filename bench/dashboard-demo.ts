import { startDashboard } from '../harness/dashboard/start.ts';
import type { HarnessEvent } from '../harness/event.ts';
import { DemoRun } from '../test/support/demo-run.ts';

/**
 * `node bench/dashboard-demo.ts`: shows the dashboard with an invented run, to look at it and try its keys. The option
 * `--watch-only` works as in a run.
 */
const listeners = new Set<(event: HarnessEvent) => void>();
const early: HarnessEvent[] = [];
const run = new DemoRun({
  seed: 42,
  emit: (event) => {
    if (listeners.size === 0) early.push(event);
    for (const listener of listeners) listener(event);
  },
});
const dashboard = startDashboard({
  subscribe: (listener) => {
    listeners.add(listener);
    for (const event of early.splice(0)) listener(event);
    return () => listeners.delete(listener);
  },
  command: (command) => {
    run.command(command);
    if (command.type === 'stop' || command.type === 'abort') void dashboard.stop();
  },
  watchOnly: process.argv.includes('--watch-only'),
  stdin: process.stdin,
  stdout: process.stdout,
});
const pace = setInterval(() => run.advance(50), 50);
process.on('SIGTERM', () => void dashboard.stop());
await dashboard.finished;
clearInterval(pace);
console.log('the terminal is restored');
