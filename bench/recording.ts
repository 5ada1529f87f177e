// npm run bench:recording: measures the time that the live verdict adds to recording an operation. The same operations
// are recorded with and without it, in turns, each time by a new recorder. Nothing is written to disk.
import type { Op } from '../harness/history/op.ts';
import { Recorder, type Completion, type Invocation, type OpenOp } from '../harness/history/recorder.ts';
import { randomStream } from '../harness/random.ts';
import { Generator } from '../harness/workload/generator.ts';
import { LiveCheck } from '../harness/workload/live-check.ts';
import type { WorkloadPlan } from '../harness/ports/workload.ts';
import { median } from './median.ts';

const OPERATIONS = Number(process.env['OPERATIONS'] ?? 200_000);
const ROUNDS = Number(process.env['ROUNDS'] ?? 7);

const MIXES: Readonly<Record<string, Pick<WorkloadPlan, 'mix' | 'keys' | 'skew' | 'clients'>>> = {
  'reads and writes, 200 keys': {
    clients: 64, keys: 200, skew: 'uniform', mix: { read: 0.5, write: 0.5, cas: 0, delete: 0, append: 0 },
  },
  'reads, writes and CAS, one key': {
    clients: 64, keys: 1, skew: 'uniform', mix: { read: 0.4, write: 0.3, cas: 0.3, delete: 0, append: 0 },
  },
  'all, with appends, 20 keys': {
    clients: 20, keys: 20, skew: 'uniform', mix: { read: 0.4, write: 0.2, cas: 0.1, delete: 0.05, append: 0.25 },
  },
}; // prettier-ignore

/** One step of a client: it starts an operation, or ends the one in flight. */
type Act = readonly [client: number, invocation: Invocation | null, completion: Completion | null];

console.log(
  '| load | without, µs per operation | with | added | remembered at the end |\n|---|---:|---:|---:|---:|',
);
for (const [name, some] of Object.entries(MIXES)) {
  const acts = play({ ...some, ratePerSecond: null, timeoutMs: 2_000, routing: 'leader', seed: 1 });
  const without: number[] = [];
  const with_: number[] = [];
  let remembered = '';
  for (let round = 0; round < ROUNDS; round++) {
    const liveCheck = new LiveCheck((event) => {
      if (event.type !== 'checked') throw new Error(JSON.stringify(event));
    });
    without.push(microseconds(acts, null));
    with_.push(microseconds(acts, liveCheck));
    remembered = String(liveCheck.size);
  }
  const added = median(with_.map((us, round) => us - without[round]!));
  console.log(
    `| ${name} | ${median(without).toFixed(2)} | ${median(with_).toFixed(2)} | ${added.toFixed(2)} | ${remembered} |`,
  );
}

/** Returns the steps of clients of an atomic store in memory, where an operation takes effect when it ends. */
function play(plan: WorkloadPlan): readonly Act[] {
  const generator = new Generator(plan);
  const random = randomStream(plan.seed, 'workload', 'bench');
  const store = new Map<string, string | null>();
  const open: (Invocation | null)[] = Array.from({ length: plan.clients }, () => null);
  const acts: Act[] = [];
  while (acts.length < 2 * OPERATIONS) {
    const client = random.int(0, plan.clients - 1);
    const under = open[client]!;
    if (under === null) {
      const invocation: Invocation = { process: client, ...generator.next(client, true)!, node: 'n1' };
      open[client] = invocation;
      acts.push([client, invocation, null]);
    } else {
      open[client] = null;
      const completion = takeEffect(under, store);
      if (completion.output !== undefined) generator.observe(under.key, completion.output);
      acts.push([client, null, completion]);
    }
  }
  return acts;
}

function takeEffect({ f, key, input }: Invocation, store: Map<string, string | null>): Completion {
  const was = store.get(key) ?? null;
  const ended = { node: 'n1', attempts: 1 };
  if (f === 'read') return { outcome: 'ok', output: was, ...ended };
  if (f === 'cas') {
    const [from, to] = input as readonly [string | null, string];
    if (from !== was) return { outcome: 'fail', error: 'cas-mismatch', output: was, ...ended };
    store.set(key, to);
  } else store.set(key, f === 'append' ? (was ?? '') + (input as string) : (input as string));
  return { outcome: 'ok', ...ended };
}

/** Returns the CPU time per operation, in µs. */
function microseconds(acts: readonly Act[], liveCheck: LiveCheck | null): number {
  let bytes = 0;
  let now = 0;
  const recorder = new Recorder({
    nowNs: () => (now += 1_000),
    append: (line) => (bytes += line.length),
    ...(liveCheck !== null && { onInvoke: liveCheck.onInvoke, onComplete: liveCheck.onComplete }),
  });
  const open: (OpenOp | null)[] = [];
  let last: Op | null = null;
  const from = process.cpuUsage();
  for (const [client, invocation, completion] of acts) {
    if (invocation !== null) open[client] = recorder.invoke(invocation);
    else last = recorder.complete(open[client]!, completion!);
  }
  const { user, system } = process.cpuUsage(from);
  if (last === null || bytes === 0) throw new Error('nothing was recorded');
  return (user + system) / (acts.length / 2);
}
