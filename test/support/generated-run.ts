import type { HarnessEvent } from '../../harness/event.ts';
import type { Op, OpOutcome } from '../../harness/history/op.ts';
import { randomStream } from '../../harness/random.ts';
import type { ReportInput } from '../../harness/report/model/model.ts';
import type { ExpectationResult, RunResult, Violation } from '../../harness/result.ts';

/**
 * An invented run to try the report: a partitioned leader, a killed follower, slow links, and `operations` of load over
 * `seconds`. The arguments determine the run.
 */
export function generatedRun(options: {
  seconds: number;
  operations: number;
  seed: number;
  violation: boolean;
}): ReportInput {
  const endMs = options.seconds * 1000;
  const ops = generatedOps(options, endMs);
  const violations = options.violation ? [...staleRead(ops), twoLeaders(endMs)] : [];
  return {
    result: resultOf(ops, endMs, options.seed, violations),
    events: generatedEvents(endMs),
    ops,
    scenarioText: SCENARIO,
    flatScenarioText: SCENARIO.replace('isolate: leader', 'isolate: n1'),
    logTails: {
      n1: 'info became leader, term 1\nwarn lost contact with a majority, stepping down\n',
      n2: 'info became leader, term 2\n',
      n3: '',
    },
  };
}

const NODES = ['n1', 'n2', 'n3'] as const;

const SCENARIO = `# yaml-language-server: $schema=./schema/scenario.v1.json
apiVersion: chaos/v1
name: partition-leader
seed: 7
cluster: { nodes: 3, system: raft }
workload: { clients: 6, rate: 500/s, keys: 5, mix: { read: 50%, write: 35%, cas: 15% }, timeout: 1s }
steps:
  - partition: { isolate: leader }
    bind: old
    as: cut
  - wait: { until: { leader: { not: $old, term: "> $old.term" } }, within: 3s }
  - heal: cut
  - kill: { node: follower, restart-after: 2s }
  - delay: { links: all, add: 20ms, jitter: 5ms }
    for: 4s
  - reset: { from: n1, to: n2 }
expect:
  always: { linearizable: { limit: 60s }, invariants: all }
  recovery: { leader-within: 2s, caught-up-within: 5s }
  not-vacuous: { ops: 1000, faults-observed: all }
`;

/** Times of the faults as shares of the run's duration. */
const CUT = [0.2, 0.45] as const;
const KILL = [0.55, 0.66] as const;
const SLOW = [0.72, 0.87] as const;

function generatedOps(
  { operations, seed }: { operations: number; seed: number },
  endMs: number,
): readonly Op[] {
  const random = randomStream(seed, 'workload');
  const clients = 6;
  const state = new Map<string, string | null>();
  const processes = Array.from({ length: clients }, (_, i) => i);
  const freeAt = processes.map(() => 400);
  const ops: Op[] = [];
  let fresh = clients;
  const pace = (endMs - 800) / operations;
  for (let id = 0; id < operations; id++) {
    const client = id % clients;
    const call = Math.max(400 + id * pace + random.float() * pace, freeAt[client]! + 0.01);
    const at = call / endMs;
    const during = (w: readonly [number, number]): boolean => at >= w[0] && at < w[1];
    const electing = at >= CUT[0] && at < CUT[0] + 0.04;
    const stuck = during(CUT) && (electing || client === 5) && random.float() < 0.4;
    const outcome: OpOutcome = stuck ? 'info' : random.float() < (electing ? 0.5 : 0.01) ? 'fail' : 'ok';
    const base =
      1.2 + -Math.log(1 - random.float()) * 1.6 + (random.float() < 0.01 ? 30 * random.float() : 0);
    const waited =
      base +
      (during(SLOW) ? 42 + random.float() * 12 : 0) +
      (electing && outcome === 'ok' ? 300 * random.float() : 0);
    const took = outcome === 'info' ? 1000 : waited;
    const key = `k${random.int(0, 4)}`;
    const share = random.float();
    const f = share < 0.5 ? 'read' : share < 0.85 ? 'write' : 'cas';
    const current = state.get(key) ?? null;
    const value = `v${id}`;
    if (outcome === 'ok' && f !== 'read') state.set(key, value);
    freeAt[client] = call + took;
    ops.push({
      id,
      key,
      f,
      outcome,
      call,
      process: processes[client]!,
      input: f === 'read' ? null : f === 'cas' ? [current, value] : value,
      return: outcome === 'info' ? Infinity : call + took,
      ...(outcome === 'ok' && f === 'read' ? { output: current } : {}),
      ...(outcome === 'info'
        ? { error: 'timeout', gaveUp: call + took }
        : outcome === 'fail'
          ? { error: 'not-leader' }
          : {}),
      node: NODES[client % 3]!,
      attempts: 1,
    });
    if (outcome === 'info') processes[client] = fresh++;
  }
  return ops.sort((a, b) => a.call - b.call);
}

function generatedEvents(endMs: number): readonly HarnessEvent[] {
  const at = (share: number): number => Math.round(share * endMs);
  const events: HarnessEvent[] = [{ t: 0, type: 'phase', phase: 'starting' }];
  const life = (t: number, node: string, state: 'starting' | 'up' | 'down' | 'paused'): void => {
    events.push({ t, type: 'life', node, life: state, pid: state === 'down' ? null : 4000 });
  };
  const role = (
    t: number,
    node: string,
    type: 'BecomeFollower' | 'BecomeCandidate' | 'BecomeLeader' | 'BecomePreCandidate',
    term: number,
  ): void => {
    events.push({
      t,
      type: 'trace',
      node,
      trace: { type, term, leader: null, reason: 'generated' },
    });
  };
  const fault = (
    t: number,
    id: string,
    verb: string,
    state: 'requested' | 'confirmed' | 'healing' | 'healed',
    text: string,
    links: string[],
    by: 'scenario' | 'manual' = 'scenario',
  ): void => {
    events.push({
      t,
      type: 'fault',
      id,
      verb,
      lasting: verb !== 'reset',
      state,
      by,
      text,
      nodes: verb === 'kill' ? ['n3'] : [],
      links,
    });
  };
  const link = (t: number, name: string, more: object): void => {
    events.push({ t, type: 'link', link: name, pending: false, ...more });
  };
  for (const [i, node] of NODES.entries()) {
    life(20 + i * 30, node, 'starting');
    life(180 + i * 20, node, 'up');
    role(190 + i * 20, node, 'BecomeFollower', 0);
  }
  role(360, 'n1', 'BecomePreCandidate', 0);
  role(380, 'n1', 'BecomeCandidate', 1);
  role(390, 'n1', 'BecomeLeader', 1);
  for (const node of ['n2', 'n3']) role(396, node, 'BecomeFollower', 1);
  const cutLinks = ['n1->n2', 'n1->n3', 'n2->n1', 'n3->n1'];
  const cutText = 'cut n1<->n2 n1<->n3';
  fault(at(CUT[0]) - 4, 'cut', 'partition', 'requested', cutText, cutLinks);
  for (const name of cutLinks) link(at(CUT[0]) - 1, name, { cut: 'blackhole' });
  fault(at(CUT[0]), 'cut', 'partition', 'confirmed', cutText, cutLinks);
  const elected = at(CUT[0]) + 620;
  role(elected - 60, 'n2', 'BecomePreCandidate', 1);
  role(elected - 30, 'n2', 'BecomeCandidate', 2);
  role(elected, 'n2', 'BecomeLeader', 2);
  role(elected + 4, 'n3', 'BecomeFollower', 2);
  role(elected + 260, 'n1', 'BecomeFollower', 1);
  role(elected + 700, 'n1', 'BecomePreCandidate', 1);
  fault(at(CUT[1]) - 3, 'cut', 'partition', 'healing', cutText, cutLinks);
  for (const name of cutLinks) link(at(CUT[1]) - 1, name, {});
  fault(at(CUT[1]), 'cut', 'partition', 'healed', cutText, cutLinks);
  role(at(CUT[1]) + 30, 'n1', 'BecomeFollower', 2);
  fault(at(KILL[0]), 'f2', 'kill', 'confirmed', 'kill n3', []);
  life(at(KILL[0]), 'n3', 'down');
  life(at(KILL[1]) - 150, 'n3', 'starting');
  life(at(KILL[1]), 'n3', 'up');
  role(at(KILL[1]) + 20, 'n3', 'BecomeFollower', 2);
  const all = NODES.flatMap((a) => NODES.filter((b) => b !== a).map((b) => `${a}->${b}`));
  fault(at(SLOW[0]), 'slow', 'delay', 'confirmed', 'delay all +20±5 ms', all);
  for (const name of all) link(at(SLOW[0]), name, { delay: { latencyMs: 20, jitterMs: 5 } });
  for (const name of all) link(at(SLOW[1]), name, {});
  fault(at(SLOW[1]), 'slow', 'delay', 'healed', 'delay all +20±5 ms', all);
  life(at(0.78), 'n1', 'paused');
  life(at(0.83), 'n1', 'up');
  fault(at(0.78), 'm1', 'pause', 'confirmed', 'pause n1', [], 'manual');
  fault(at(0.83), 'm1', 'pause', 'healed', 'pause n1', [], 'manual');
  fault(at(0.91), 'r1', 'reset', 'confirmed', 'reset n1->n2', ['n1->n2']);
  events.push({ t: endMs, type: 'phase', phase: 'checking' });
  return events;
}

/** Seven operations on one key, of which the last read fits nowhere. */
function staleRead(ops: readonly Op[]): readonly Violation[] {
  const key = 'k3';
  const ok = ops.filter((op) => op.key === key && op.outcome === 'ok');
  const writes = ok.filter((op) => op.f === 'write');
  const [first, second] = [writes[Math.floor(writes.length / 4)], writes[Math.floor(writes.length / 4) + 1]];
  if (first === undefined || second === undefined) return [];
  const read = ok.find((op) => op.f === 'read' && op.call > second.return + 200);
  const early = ok.find((op) => op.f === 'read' && op.call > second.return);
  if (read === undefined || early === undefined) return [];
  (read as { output: string }).output = first.input as string;
  (early as { output: string }).output = second.input as string;
  const unknown = ops.find(
    (op) => op.key === key && op.outcome === 'info' && op.f === 'write' && op.call > first.return,
  );
  return [
    {
      property: 'linearizability',
      anomaly: 'stale read',
      key,
      prose: [
        `read #${read.id} by process ${read.process} returned ${first.input as string}`,
        `after read #${early.id} had returned ${second.input as string}, which write #${second.id} wrote`,
        `after write #${first.id} (${first.input as string}) had ended: a stale read.`,
      ].join(' '),
      opIds: [first.id, second.id, early.id, read.id, ...(unknown === undefined ? [] : [unknown.id])],
      linearizedIds: [first.id, second.id, early.id],
      stuckId: read.id,
      stateBefore: second.input as string,
    },
  ];
}

function twoLeaders(endMs: number): Violation {
  const t = endMs * CUT[0] + 620;
  return {
    property: 'election safety (§5.2)',
    anomaly: 'two leaders in one term',
    prose:
      'n1 and n2 were both leader in term 2: n3 voted for both, because it lost its first vote in a restart.',
    events: [
      { t: t - 40, node: 'n3', text: 'GrantVote term=2 candidate=n2' },
      { t, node: 'n2', text: 'BecomeLeader term=2' },
      { t: t + 8.2, node: 'n3', text: 'GrantVote term=2 candidate=n1' },
      { t: t + 9, node: 'n1', text: 'BecomeLeader term=2' },
    ],
  };
}

function resultOf(
  ops: readonly Op[],
  endMs: number,
  seed: number,
  violations: readonly Violation[],
): RunResult {
  const tally = { ok: 0, fail: 0, info: 0 };
  for (const op of ops) tally[op.outcome]++;
  const waits = ops
    .filter((op) => op.outcome === 'ok')
    .map((op) => op.return - op.call)
    .sort((a, b) => a - b);
  const rank = (q: number): number | null => waits[Math.ceil(q * waits.length) - 1] ?? null;
  const broken = violations.length > 0;
  const expectations: ExpectationResult[] = [
    {
      group: 'steady',
      name: 'one leader for 500 ms',
      status: 'pass',
      detail: 'n1 led from 0.390 s.',
      line: 8,
    },
    {
      group: 'always',
      name: 'linearizable',
      status: broken ? 'fail' : 'pass',
      detail: broken
        ? `Key k3 is not linearizable: ${violations[0]!.anomaly}.`
        : `All 5 keys with ${ops.length} operations were checked in 41 ms.`,
      line: 18,
      tookMs: 41,
    },
    {
      group: 'always',
      name: 'invariants: election safety',
      status: broken ? 'fail' : 'pass',
      detail: broken ? 'Two leaders in term 2.' : '2 elections, at most one leader in each term.',
      line: 18,
    },
    {
      group: 'recovery',
      name: 'leader-within: 2s',
      status: 'pass',
      detail: 'A leader 620 ms after the last heal that left none.',
      line: 19,
    },
    {
      group: 'recovery',
      name: 'caught-up-within: 5s',
      status: 'unknown',
      detail: 'n3 was never seen to reach index 12,040: its last status was 1.2 s old.',
      line: 19,
    },
    {
      group: 'not-vacuous',
      name: 'faults-observed: all',
      status: 'skipped',
      detail: 'Not judged: the run ended early.',
      line: 20,
    },
  ];
  return {
    schema: 'chaos/result/v1',
    verdict: broken ? 'violation' : 'pass',
    exitCode: broken ? 1 : 0,
    sentence: broken
      ? 'A client read a value that had been overwritten, and two nodes led in term 2.'
      : 'Through 5 faults every acknowledged operation stayed linearizable, and a new leader was there within 620 ms.',
    run: 'reports/20261123-231502-partition-leader-7',
    scenario: 'partition-leader',
    file: 'scenarios/partition-leader.yaml',
    seed,
    links: { kind: 'toxiproxy', version: '2.12.0', url: 'http://127.0.0.1:8474' },
    nodes: NODES,
    startedAt: '2026-11-23T23:15:02.000Z',
    durationMs: endMs + 300,
    firstFaultMs: endMs * CUT[0],
    interrupted: null,
    counts: {
      operations: ops.length,
      ...tally,
      byFunction: {},
      faults: 4,
      manualFaults: 1,
      elections: 2,
      nodeStarts: 4,
    },
    latencyMs: { p50: rank(0.5), p99: rank(0.99), p999: rank(0.999), max: rank(1) },
    leaderGaps: [
      { from: 0, to: 390 },
      { from: endMs * CUT[0], to: endMs * CUT[0] + 620 },
    ],
    expectations,
    violations,
    error: null,
    environment: {
      chaos: '0.1.0',
      node: 'v24.21.0',
      platform: 'linux x64',
      command: ['chaos', 'run', 'partition-leader.yaml'],
    },
  };
}
