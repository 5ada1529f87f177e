import { parentPort, workerData } from 'node:worker_threads';
import { Recorder } from '../../harness/history/recorder.ts';
import { Load } from '../../harness/workload/load.ts';
import type { WorkloadPlan } from '../../harness/ports/workload.ts';
import { realTimers } from '../../harness/workload/timers.ts';
import { TcpWire } from '../../harness/systems/raft/wire.ts';
import type { Wire } from '../../harness/systems/raft/wire.ts';

export interface PressureInput {
  readonly clients: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly seed: number;
  /** Where clients dial each node. */
  readonly addresses: ReadonlyMap<string, string>;
}
/** Operations that were answered since the last message. */
export interface PressureSpoke {
  readonly answered: number;
}

const { clients, keys, valueBytes, seed, addresses } = workerData as PressureInput;
const TELL_EVERY_MS = 1_000;
/** Before this load's keys: the load that is judged must not meet its writes. */
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
  dial: (node) => apart(new TcpWire(addresses.get(node)!)),
  timers: realTimers,
  // Nothing of it is kept.
  recorder: new Recorder({ nowNs: () => operations++, append: () => {} }),
  onOp: (op) => {
    if (op.outcome === 'ok') answered++;
  },
});
const telling = setInterval(tell, TELL_EVERY_MS);
parentPort!.once('message', () => void stop());
load.start();

async function stop(): Promise<void> {
  await load.stop(plan.timeoutMs);
  clearInterval(telling);
  tell();
  parentPort!.close();
}

function tell(): void {
  parentPort!.postMessage({ answered } satisfies PressureSpoke);
  answered = 0;
}

/** The same requests on keys of their own, and values as large as were asked for. */
function apart(wire: Wire): Wire {
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
