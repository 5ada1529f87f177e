import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs } from '../clock.ts';
import { LineFile } from '../history/line-file.ts';
import type { Op } from '../history/op.ts';
import type { ConnectClients } from '../ports/client.ts';
import { Recorder } from '../history/recorder.ts';
import { Judge } from './judge.ts';
import { Load } from './load.ts';
import type { FromWorker, ToWorker, WorkerInput } from './messages.ts';
import { realTimers } from './timers.ts';
import { Windows } from './windows.ts';

/**
 * The workload's thread: beside the dashboard and the runner, so that drawing a screen does not stretch a latency. It
 * opens the history file, runs the load until told to stop, and judges the operations as they end. It keeps none of
 * them: whoever wants them reads the file back.
 */
const WINDOW_MS = 250;
const OP_EVENTS_PER_SECOND = 20;

const { plan, client, addresses, originMs, historyPath, live } = workerData as WorkerInput;
const originNs = BigInt(Math.round(originMs * 1e6));
const say = (message: FromWorker): void => parentPort!.postMessage(message);
const now = (): number => monotonicMs() - originMs;

const { connectClients } = (await import(client.module)) as { readonly connectClients: ConnectClients };
const history = await LineFile.create(historyPath, (error) =>
  say({ type: 'broken', t: now(), message: error.message }),
);
const judge = live ? new Judge(say) : null;
const recorder = new Recorder({
  nowNs: () => Number(process.hrtime.bigint() - originNs),
  append: (line) => history.append(line),
  ...(judge !== null && { onInvoke: judge.onInvoke, onComplete: judge.onComplete }),
});
const windows = new Windows(now());
const load = new Load({
  plan,
  nodes: Object.keys(addresses),
  clients: connectClients({ addresses, clients: plan.clients, data: client.data }),
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
const ticker = setInterval(closeWindow, WINDOW_MS);

parentPort!.on('message', (message: ToWorker) => void stop(message.drainMs));
load.start();
say({ type: 'started' });

function closeWindow(): void {
  const t = now();
  judge?.report(t);
  say({ type: 'window', ...windows.close(t, recorder.invoked) });
}

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
  closeWindow();
  // Its failure was told when it came.
  await history.close().catch(() => {});
  say({ type: 'finished', historyBytes: history.bytes });
  parentPort!.close();
}
