import { parentPort, workerData } from 'node:worker_threads';
import { Recorder } from '../../harness/history/recorder.ts';
import { Load } from '../../harness/workload/load.ts';
import type { WorkloadPlan } from '../../harness/ports/workload.ts';
import { realTimers } from '../../harness/workload/timers.ts';
import { RaftClients } from '../../harness/systems/raft/clients.ts';
import { TcpWire } from '../../harness/systems/raft/wire.ts';
import type { Wire } from '../../harness/systems/raft/wire.ts';

export interface PressureInput {
  readonly clients: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly seed: number;
  /** Address at which clients reach each node. */
  readonly addresses: ReadonlyMap<string, string>;
}
export interface PressureReport {
  /** Number of operations answered since the last report. */
  readonly answered: number;
}

const { clients, keys, valueBytes, seed, addresses } = workerData as PressureInput;
const REPORT_EVERY_MS = 1_000;
/** Prefix of this load's keys, so that its writes do not touch the keys of the load that is checked. */
const PREFIX = 'pressure/';

const plan: WorkloadPlan = {
  clients,
  ratePerSecond: null,
  keys,
  skew: 'uniform',
  mix: { read: 0.1, write: 0.9, cas: 0, delete: 0, append: 0 },
  timeoutMs: 4_000,
  routing: 'leader',
  seed,
};

let answered = 0;
let operations = 0;
const load = new Load({
  plan,
  nodes: [...addresses.keys()],
  clients: new RaftClients({
    nodes: [...addresses.keys()],
    clients,
    dial: (node) => onOwnKeys(new TcpWire(addresses.get(node)!)),
    timers: realTimers,
  }),
  timers: realTimers,
  // Its operations are not kept.
  recorder: new Recorder({ nowNs: () => operations++, append: () => {} }),
  onOp: (op) => {
    if (op.outcome === 'ok') answered++;
  },
});
const reporting = setInterval(report, REPORT_EVERY_MS);
parentPort!.once('message', () => void stop());
load.start();

async function stop(): Promise<void> {
  await load.stop(plan.timeoutMs);
  clearInterval(reporting);
  report();
  parentPort!.close();
}

function report(): void {
  parentPort!.postMessage({ answered } satisfies PressureReport);
  answered = 0;
}

/** Sends the same requests with prefixed keys, and with values padded to `valueBytes`. */
function onOwnKeys(wire: Wire): Wire {
  return {
    ask: (operation, listener) => {
      if (operation.type === 'read') return wire.ask({ ...operation, key: PREFIX + operation.key }, listener);
      if (operation.type !== 'write') return wire.ask(operation, listener);
      const { key, value } = operation;
      return wire.ask({ ...operation, key: PREFIX + key, value: value.padEnd(valueBytes, '.') }, listener);
    },
    close: () => wire.close(),
  };
}
