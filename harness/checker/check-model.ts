import type { Violation } from '../result.ts';
import type { JudgedPart, PartLimits } from './check-registers.ts';
import { explainUnknown, orderInShort } from './explain/explain-search.ts';
import { type KeyVerdict, unknown } from './key.ts';
import { NATURE } from './search/machine.ts';
import { searchBytes } from './search/memory-budget.ts';
import { minimise, type Window } from './search/minimise.ts';
import { modelMachine } from './search/model-machine.ts';
import type { Model, Operation } from './model.ts';
import { Portfolio } from './search/portfolio.ts';
import type { Problem, SearchResult } from './search/problem.ts';
import { sortByKey } from './stable-sort.ts';
import { Turns } from './turns.ts';
import { type Bearing, verifyWitnesses } from './verify.ts';

/** The key of a history that is one part. */
const WHOLE = 'history';
/** Time after which a search gives the event loop a turn, in ms. */
const TURN_MS = 16;
/** Maximum time for reducing a violation to few operations, in ms. */
const MINIMISE_MS = 300;
const BYTES_A_MIB = 1_048_576;

/** Checks a history by the user's own model: its parts one after another, the smallest first, by search. */
export async function checkModel<State, O extends Operation>(
  model: Model<State, O>,
  ops: readonly O[],
  limits: PartLimits,
): Promise<readonly JudgedPart[]> {
  const parts = [...Map.groupBy(ops, (op) => model.partition?.(op) ?? WHOLE)];
  parts.sort(([, a], [, b]) => a.length - b.length);
  const judged: JudgedPart[] = [];
  for (const [key, ofKey] of parts) {
    const began = performance.now();
    const verdict = await judgePart(model, key, ofKey, limits).catch((error: unknown) =>
      unknown(`the checker failed: ${error instanceof Error ? error.message : String(error)}`),
    );
    judged.push({ key, operations: ofKey.length, tookMs: performance.now() - began, verdict });
  }
  return judged;
}

async function judgePart<State, O extends Operation>(
  model: Model<State, O>,
  key: string,
  ops: readonly O[],
  limits: PartLimits,
): Promise<KeyVerdict> {
  const absurd = ops.find((op) => !(op.call <= op.return));
  if (absurd !== undefined)
    return unknown(`operation #${absurd.id} returns at ${absurd.return}, before its call at ${absurd.call}`);
  const problem = problemOf(model, ops);
  const memoryBytes = searchBytes(limits.memoryMb);
  const result = await searchInTurns(problem, memoryBytes, limits);
  if (typeof result === 'string') return unknown(result);
  switch (result.verdict) {
    case 'unknown': {
      const { at } = result.reach;
      return unknown(explainUnknown(result, at === null ? null : model.describe(ops[at]!)));
    }
    case 'linearizable':
      return verified(model, ops, Int32Array.from(result.order));
    case 'violation': {
      const found = { steps: problem.steps, prefix: result.prefix, stuck: result.stuck };
      const deadline = performance.now() + MINIMISE_MS;
      return asViolation(model, key, ops, minimise(problem, found, { deadline, memoryBytes }));
    }
    default:
      return result satisfies never;
  }
}

function problemOf<State, O extends Operation>(model: Model<State, O>, ops: readonly O[]): Problem {
  const machine = modelMachine(model, ops);
  const call = Float64Array.from(ops, (op) => op.call);
  const ret = Float64Array.from(ops, (op) => op.return);
  const certain = Uint8Array.from(ops, (op) => Number(op.return !== Infinity));
  // A read without an outcome constrains nothing.
  const steps = Int32Array.from(ops.keys()).filter(
    (step) => certain[step] === 1 || machine.nature[step] !== NATURE.reads,
  );
  return { machine, steps: sortByKey(steps, call), call, ret, certain };
}

/** Returns the result, or the reason why there is none. */
async function searchInTurns(
  problem: Problem,
  memoryBytes: number,
  { start, limitMs, memoryMb, signal }: PartLimits,
): Promise<SearchResult | string> {
  const deadline = start + limitMs;
  if (performance.now() >= deadline) return 'the time limit was reached before it could be searched';
  const turns = new Turns();
  const portfolio = new Portfolio(problem, { deadline, memoryBytes });
  // The states belong to the model, so their memory can be measured only for the whole process.
  const most = Math.max(memoryMb * BYTES_A_MIB, process.memoryUsage.rss() + memoryBytes);
  for (;;) {
    await turns.give();
    if (signal?.aborted === true) return 'cancelled while it was searched';
    const result = portfolio.turn(TURN_MS);
    if (result !== null) return result;
    if (process.memoryUsage.rss() > most) return portfolio.giveUp('memory');
  }
}

function verified<State, O extends Operation>(
  model: Model<State, O>,
  ops: readonly O[],
  order: Int32Array,
): KeyVerdict {
  const isRead = (op: O): boolean => model.effect?.(op) === 'reads';
  const bearing = (op: O): Bearing => (op.return !== Infinity ? 'must' : isRead(op) ? 'none' : 'may');
  const positions = Int32Array.from(ops.keys());
  const walk = verifyWitnesses(model, ops, [{ positions, order }], bearing);
  let next = walk.next();
  while (next.done !== true) next = walk.next();
  const flaw = next.value[0]!;
  if (flaw !== null) return unknown(`the checker contradicts itself: its order proves nothing, ${flaw}`);
  return {
    verdict: 'linearizable',
    detail: `${order.length} operations in one order`,
    violation: null,
    witness: Array.from(order, (position) => ops[position]!.id),
  };
}

function asViolation<State, O extends Operation>(
  model: Model<State, O>,
  key: string,
  ops: readonly O[],
  { steps, prefix, stuck }: Window,
): KeyVerdict {
  const idOf = (step: number): number => ops[step]!.id;
  const state = prefix.reduce((before, step) => model.step(before, ops[step]!) as State, model.init());
  const shown = model.describeState?.(state) ?? JSON.stringify(state);
  const { call, return: end } = ops[stuck]!;
  const prose =
    `${orderInShort(prefix.map(idOf))}; there the state is ${shown}, and ${model.describe(ops[stuck]!)}; ` +
    `it was called at ${call} and returned at ${end}. No order of these ${steps.length} operations is one of ${model.name}.`;
  const anomaly = 'not linearizable';
  const violation: Violation = {
    property: 'linearizability',
    anomaly,
    prose: key === WHOLE ? prose : `Key ${key}: ${prose}`,
    key,
    opIds: Array.from(steps, idOf).sort((a, b) => a - b),
    linearizedIds: prefix.map(idOf),
    stuckId: idOf(stuck),
    stateBefore: shown,
  };
  return { verdict: 'violation', detail: `${anomaly}: ${prose}`, violation, witness: null };
}
