import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs } from '../clock.ts';
import { LineFile } from '../history/line-file.ts';
import type { Op } from '../history/op.ts';
import { Recorder } from '../history/recorder.ts';
import { Load } from './load.ts';
import type { FromWorker, ToWorker, WorkerInput } from './messages.ts';
import { realTimers } from './timers.ts';
import { Windows } from './windows.ts';
import { TcpWire } from './wire.ts';

/**
 * The workload's thread: beside the dashboard and the runner, so that drawing a screen does not stretch a latency. It
 * opens the history file, runs the load until told to stop, and hands all operations over at the end.
 */
const WINDOW_MS = 250;
const OP_EVENTS_PER_SECOND = 20;
/** Operations cross the thread's border in pieces, so that no copy of all of them exists at once. */
const OPS_PER_MESSAGE = 10_000;

const { plan, addresses, originMs, historyPath } = workerData as WorkerInput;
const originNs = BigInt(Math.round(originMs * 1e6));
const say = (message: FromWorker): void => parentPort!.postMessage(message);
const now = (): number => monotonicMs() - originMs;

const history = await LineFile.create(historyPath, (error) =>
  say({ type: 'broken', t: now(), message: error.message }),
);
const recorder = new Recorder({
  nowNs: () => Number(process.hrtime.bigint() - originNs),
  append: (line) => history.append(line),
});
const windows = new Windows(now());
const load = new Load({
  plan,
  nodes: Object.keys(addresses),
  dial: (node) => new TcpWire(addresses[node]!),
  timers: realTimers,
  recorder,
  onOp: (op) => {
    windows.completed(op);
    tellIfUnusual(op);
  },
});

let opEventsLeft = OP_EVENTS_PER_SECOND;
const refill = setInterval(() => {
  opEventsLeft = OP_EVENTS_PER_SECOND;
}, 1_000);
const ticker = setInterval(
  () => say({ type: 'window', ...windows.close(now(), recorder.invoked) }),
  WINDOW_MS,
);

parentPort!.on('message', (message: ToWorker) => void stop(message.drainMs));
load.start();
say({ type: 'started' });

function tellIfUnusual(op: Op): void {
  const usual = op.outcome === 'ok' || op.error === 'not-leader' || op.error === 'cas-mismatch';
  if (usual || opEventsLeft <= 0) return;
  opEventsLeft--;
  say({ type: 'op', t: now(), op });
}

async function stop(drainMs: number): Promise<void> {
  await load.stop(drainMs);
  clearInterval(refill);
  clearInterval(ticker);
  say({ type: 'window', ...windows.close(now(), recorder.invoked) });
  // Its failure was told when it came.
  await history.close().catch(() => {});
  const ops = recorder.ops();
  for (let from = 0; from < ops.length; from += OPS_PER_MESSAGE)
    say({ type: 'ops', ops: ops.slice(from, from + OPS_PER_MESSAGE) });
  say({ type: 'finished' });
  parentPort!.close();
}
