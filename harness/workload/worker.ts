import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs } from '../clock.ts';
import type { ConnectClients } from '../ports/client.ts';
import type { FromWorker, ToWorker, WorkerInput } from './messages.ts';
import { RecordedLoad } from './recorded-load.ts';
import { realTimers } from './timers.ts';

/**
 * The workload's thread. It is separate from the dashboard and the runner, so that drawing a screen does not increase
 * latencies. It runs the load until it receives a stop message.
 */
const { plan, client, addresses, originMs, historyPath, live } = workerData as WorkerInput;
const originNs = BigInt(Math.round(originMs * 1e6));
const say = (message: FromWorker): void => parentPort!.postMessage(message);

let isAble = true;
/** Reports the reason only once, because every attempt fails from now on. */
const onUnable = (message: string): void => {
  if (isAble) say({ type: 'broken', t: monotonicMs() - originMs, message });
  isAble = false;
};

const { connectClients } = (await import(client.module)) as { readonly connectClients: ConnectClients };
const load = await RecordedLoad.create({
  plan,
  nodes: Object.keys(addresses),
  clients: connectClients({
    addresses,
    clients: plan.clients,
    data: client.data,
    onUnable,
  }),
  timers: realTimers,
  now: () => monotonicMs() - originMs,
  nowNs: () => Number(process.hrtime.bigint() - originNs),
  historyPath,
  live,
  say,
});

parentPort!.on('message', (message: ToWorker) => void stop(message.drainMs));
load.start();
say({ type: 'started' });

async function stop(drainMs: number): Promise<void> {
  await load.stop(drainMs);
  say({ type: 'finished', historyBytes: await load.close() });
  parentPort!.close();
}
