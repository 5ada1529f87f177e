import { setTimeout as delay } from 'node:timers/promises';
import { checkLinearizable } from '../../harness/checker/linearizable.ts';
import type { Op } from '../../harness/history/op.ts';
import { askNode } from './storm-events.ts';
import type { StormLoad } from './storm-load.ts';
import type { Status, StormNodes } from './storm-nodes.ts';
import type { Members } from './storm-operator.ts';

/** Maximum time after the storm until all logs are equal. */
const SETTLED_WITHIN_MS = 20_000;
/** Maximum time until a node that was asked to lead does so. */
const LEADS_WITHIN_MS = 20_000;
const POLL_EVERY_MS = 20;
/** First process number of the reads at the end. The clients' numbers stay below it. */
const AUDITOR = 1e9;

type State = ReadonlyMap<string, string | null>;

/**
 * Checks what must hold when the storm is over: equal logs on all members, equal states read from each voter as the
 * leader, every acknowledged append present exactly once, a linearizable history, no violated property. Throws an
 * Error that says what does not hold.
 */
export async function audit(
  nodes: StormNodes,
  { voters, learners }: Pick<Members, 'voters' | 'learners'>,
  load: StormLoad,
): Promise<void> {
  await settle(nodes, [...voters, ...learners]);
  const keys = [...new Set(load.ops.map(({ key }) => key))];
  let first: { readonly id: string; readonly state: State } | null = null;
  for (const [i, id] of voters.entries()) {
    await lead(nodes, id);
    const state = await readAll(nodes, id, { keys, load, process: AUDITOR + i * keys.length });
    if (first === null) first = { id, state };
    else compareStates(first, { id, state });
  }
  const { ops } = load;
  auditAppends(ops, first!.state);
  const { verdict, detail } = await checkLinearizable(ops);
  if (verdict !== 'linearizable') throw new Error(`linearizability: ${verdict}: ${detail}`);
  const violated = nodes.monitor.results().find(({ status }) => status !== 'pass');
  if (violated !== undefined) throw new Error(`${violated.property}: ${violated.status}: ${violated.detail}`);
}

/** Resolves when all `members` have equal logs, and have committed and applied every entry of them. */
export async function settle(nodes: StormNodes, members: readonly string[]): Promise<void> {
  const equal = (): boolean => {
    const statuses = members.map((id) => nodes.status(id));
    if (statuses.includes(null)) return false;
    const [first, ...others] = statuses as Status[];
    const { applied, commit, lastIndex } = first!;
    if (applied !== commit || commit !== lastIndex) return false;
    if (!others.every((other) => other.commit === commit && other.applied === commit)) return false;
    if (others.some((other) => other.appliedDigest !== first!.appliedDigest))
      throw new Error(
        `logs differ at entry ${applied}: ${members.map((id) => `${id} ${nodes.status(id)!.appliedDigest}`).join(', ')}`,
      );
    return nodes.leader !== null;
  };
  await until(equal, nodes, `the logs of ${members.join(', ')} to be equal`, SETTLED_WITHIN_MS);
}

async function lead(nodes: StormNodes, id: string): Promise<void> {
  const leads = async (): Promise<boolean> => {
    const { leader } = nodes;
    if (leader === id) return true;
    if (leader !== null) await askNode(nodes, leader, { type: 'transfer-leadership', target: id });
    return nodes.leader === id;
  };
  await until(leads, nodes, `${id} to lead`, LEADS_WITHIN_MS);
}

async function until(
  holds: () => boolean | Promise<boolean>,
  nodes: StormNodes,
  what: string,
  withinMs: number,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    nodes.failed.throwIfAborted();
    if (performance.now() > deadline)
      throw new Error(`liveness: waited ${withinMs} ms for ${what}; ${describe(nodes)}`);
    await delay(POLL_EVERY_MS);
  }
}

const describe = (nodes: StormNodes): string =>
  nodes.ids
    .map((id) => {
      const status = nodes.status(id);
      if (status === null) return `${id}: down`;
      const { role, term, leader, commit, applied, lastIndex } = status;
      return `${id}: ${role} of term ${term}, leader ${leader}, last ${lastIndex}, commit ${commit}, applied ${applied}`;
    })
    .join('; ');

/** Reads all keys from the leader `id`. The reads are linearizable, and become part of the history. */
async function readAll(
  nodes: StormNodes,
  id: string,
  reads: { readonly keys: readonly string[]; readonly load: StormLoad; readonly process: number },
): Promise<State> {
  const { keys, load } = reads;
  using client = await nodes.client(id);
  const values = await Promise.all(
    keys.map(async (key, i) => {
      const process = reads.process + i;
      const open = load.recorder.invoke({ process, f: 'read', key, input: null, node: id });
      const answer = await client.request({ type: 'read', key });
      if (answer?.type !== 'value')
        throw new Error(`the leader ${id} does not answer a read of ${key}: ${JSON.stringify(answer)}`);
      load.recorder.complete(open, { outcome: 'ok', output: answer.value, node: id, attempts: 1 });
      return [key, answer.value] as const;
    }),
  );
  return new Map(values);
}

function compareStates(
  a: { readonly id: string; readonly state: State },
  b: { readonly id: string; readonly state: State },
): void {
  for (const [key, value] of a.state)
    if (b.state.get(key) !== value)
      throw new Error(`states differ: key ${key} is ${value} on ${a.id} and ${b.state.get(key)} on ${b.id}`);
}

/** Compares the values of the append keys with the answers that their writers got, independently of the checker. */
export function auditAppends(ops: readonly Op[], state: State): void {
  const appends = Map.groupBy(
    ops.filter(({ f }) => f === 'append'),
    ({ key }) => key,
  );
  for (const [key, ofKey] of appends) {
    const tokens = (state.get(key) ?? '').split(/(?<=;)/).filter((token) => token !== '');
    const found = new Set(tokens);
    if (found.size < tokens.length) {
      const twice = tokens.find((token, i) => tokens.indexOf(token) < i);
      throw new Error(`applied twice: ${twice} in ${key}`);
    }
    for (const { input, outcome } of ofKey) {
      const there = found.delete(input as string);
      if (there !== (outcome === 'ok') && outcome !== 'info')
        throw new Error(
          `${there ? 'applied, though refused' : 'lost, though acknowledged'}: ${input as string} of ${key}`,
        );
    }
    if (found.size > 0) throw new Error(`${key} has a value that was never written: ${[...found].join(' ')}`);
  }
}
