import type { Op, RegisterValue } from '../history/op.ts';
import type { Violation } from '../result.ts';
import { type Columns, KIND, NEVER_WRITTEN, selectRows, stepAt } from './columns.ts';
import { nameOf } from './explain/describe.ts';
import { type Explanation, explain } from './explain/explain.ts';
import { type SearchedWindow, explainSearch, explainUnknown } from './explain/explain-search.ts';
import { searchSteps, type KeySearchResult } from './search/search-steps.ts';
import { bearingOf, models, startingFrom } from './models.ts';
import { type Part, toParts } from './parts.ts';
import { search } from './search/portfolio.ts';
import { registerMachine } from './search/register-machine.ts';
import type { RegisterSteps } from './search/register-steps.ts';
import type { CasFail, Step } from './steps.ts';
import { decideUnambiguous } from './decide/unambiguous.ts';
import { type Proof, verifyWitnesses } from './verify.ts';

export interface KeyVerdict {
  readonly verdict: 'linearizable' | 'violation' | 'unknown';
  readonly detail: string;
  readonly violation: Violation | null;
  /** `KeyResult.witness` */
  readonly witness: readonly number[] | null;
}

export interface KeyLimits {
  readonly limitMs: number;
  readonly memoryBytes: number;
}

/**
 * Maximum time to confirm a contradiction by search, in ms. It is short, because the contradiction is already proven.
 */
const CONFIRM_MS = 300;
const CONFIRM_BYTES = 16 * 1_048_576;
/**
 * Maximum number of steps of a window that is shown completely. Of a larger one only the important steps are shown,
 * because the report cannot draw thousands.
 */
const MAX_WINDOW = 60;

/** A history of one key, and the meaning of its failed CAS. */
export interface KeyHistory {
  readonly ops: readonly Op[];
  readonly casFail?: CasFail | undefined;
  /** The value of the key before the first write; null by default. */
  readonly initial?: RegisterValue;
}

/** Checks all operations of one key, without a search if possible. */
export function checkKey(
  { ops, casFail, initial = null }: KeyHistory,
  { limitMs, memoryBytes }: KeyLimits,
): KeyVerdict {
  const deadline = performance.now() + limitMs;
  const [part] = toParts(ops, casFail, initial);
  if (part === undefined) throw new Error('there are no operations to check');
  const decided = decidePart(part);
  if ('verdict' in decided) return decided;
  const judged =
    'order' in decided
      ? decided
      : searched(part, searchSteps(stepsOf(part.columns), { deadline, memoryBytes }), decided.reason);
  if ('verdict' in judged) return judged;
  const walk = verifyWitnesses(startingFrom(initial), ops, [proofOf(part, judged.order)], (op) =>
    bearingOf(op, casFail),
  );
  for (;;) {
    const next = walk.next();
    if (next.done === true) return linearizable(part, judged.order, next.value[0]!);
  }
}

/** An order, as rows of the part's columns, that is still to be verified. */
export interface Ordered {
  readonly order: Int32Array;
}

/**
 * If each value identifies its writer, returns a verdict or an order, found without a search and so without a limit.
 * Otherwise returns the reason why a search is needed. A contradiction is confirmed by a search of the few operations
 * that prove it.
 */
export function decidePart(part: Part): KeyVerdict | Ordered | { readonly reason: string } {
  const { columns } = part;
  if (part.flaw !== null) return unknown(part.flaw);
  const decision = decideUnambiguous(columns);
  if (decision.verdict === 'ambiguous') return { reason: decision.reason };
  if (decision.verdict === 'linearizable') return { order: decision.order };
  const explanation = explain(decision.contradiction, {
    failed: () => failedOf(part),
    hasAppends: columns.kind.subarray(0, columns.size).includes(KIND.append),
  });
  return confirmed(part.key, explanation, selectRows(columns, decision.support(explanation.steps)));
}

function* failedOf({ positions, columns: { ops } }: Part): Generator<Op> {
  for (const position of positions) if (ops[position]!.outcome === 'fail') yield ops[position]!;
}

/** Turns the result of a search into a verdict or an order. `reason` says why the search was needed. */
export function searched(part: Part, judgement: KeySearchResult, reason: string): KeyVerdict | Ordered {
  switch (judgement.verdict) {
    case 'linearizable':
      return { order: judgement.order };
    case 'unknown':
      return unknown(
        `${explainUnknown(judgement, nameAt(part.columns, judgement.reach.at))} (a search was needed: ${reason})`,
      );
    case 'violation': {
      const window = windowOf(part.columns, judgement.steps, judgement);
      return asViolation({ key: part.key, ...explainSearch(window), window, core: [] });
    }
    default:
      return judgement satisfies never;
  }
}

const nameAt = (columns: Columns, row: number | null): string | null =>
  row === null ? null : nameOf(stepAt(columns, row));

/** The part of the columns that a search needs. */
export function stepsOf({ size, kind, certain, call, ret, from, to, values }: Columns): RegisterSteps {
  // The numbers of values are enough unless values are composed by appends.
  const texts = kind.includes(KIND.append) ? values : [];
  return { size, kind, certain, call, ret, from, to, values: texts, valueCount: values.length };
}

/** The proof for an order, which consists of rows of the part's columns. */
export const proofOf = ({ positions, columns: { at } }: Part, order: Int32Array): Proof => ({
  positions,
  order: order.map((row) => at[row]!),
});

/** The verdict for an order. `flaw` is the mistake that the verifier found in it, or null. */
export function linearizable({ columns: { id } }: Part, order: Int32Array, flaw: string | null): KeyVerdict {
  if (flaw !== null) return unknown(`the checker contradicts itself: its order proves nothing, ${flaw}`);
  const witness: number[] = Array.from(order);
  for (let place = 0; place < witness.length; place++) witness[place] = id[witness[place]!]!;
  const detail = `${order.length} operations in one order`;
  return { verdict: 'linearizable', detail, violation: null, witness };
}

export const unknown = (detail: string): KeyVerdict => ({
  verdict: 'unknown',
  detail,
  violation: null,
  witness: null,
});

/** Confirms by search that the few steps of a contradiction have no order by themselves. */
function confirmed(key: string, explanation: Explanation, columns: Columns): KeyVerdict {
  const { call, ret, certain } = columns;
  const steps = Int32Array.from({ length: columns.size }, (_, row) => row);
  const problem = { machine: registerMachine(stepsOf(columns)), steps, call, ret, certain };
  const result = search(problem, { deadline: performance.now() + CONFIRM_MS, memoryBytes: CONFIRM_BYTES });
  if (result.verdict === 'linearizable')
    return unknown(
      `the checker contradicts itself: it found an order although it reports a ${explanation.anomaly}: ${explanation.prose}`,
    );
  // If the search had no result, the contradiction is still proven, but its picture has fewer operations.
  const found = result.verdict === 'violation' ? result : { prefix: [], stuck: columns.size - 1 };
  const core = [...explanation.steps, ...(explanation.alsoShown ?? [])];
  return asViolation({ key, ...explanation, window: windowOf(columns, steps, found), core });
}

function windowOf(
  columns: Columns,
  rows: Int32Array,
  { prefix, stuck }: { readonly prefix: readonly number[]; readonly stuck: number },
): SearchedWindow {
  const opOf = (row: number): Op => columns.ops[columns.at[row]!]!;
  const initial = columns.values[NEVER_WRITTEN]!;
  const state = prefix.reduce<RegisterValue>(
    (before, row) => models.kv.step(before, opOf(row)) ?? null,
    initial,
  );
  const step = (row: number) => stepAt(columns, row);
  return { steps: Array.from(rows, step), prefix: prefix.map(step), stuck: step(stuck), state, initial };
}

interface Found {
  readonly key: string;
  readonly anomaly: string;
  readonly prose: string;
  readonly window: SearchedWindow;
  /** Operations that must be shown even if the window is too large. */
  readonly core: readonly Step[];
}

function asViolation({ key, anomaly, prose, window, core }: Found): KeyVerdict {
  const { steps, prefix, stuck, state } = window;
  const idsOf = (some: readonly Step[]): number[] => some.map((step) => step.op.id);
  // After the core, the latest ones are shown, because the earlier ones only lead up to it.
  const shown = new Set(idsOf([stuck, ...core]));
  for (const id of idsOf(steps).reverse()) if (shown.size < MAX_WINDOW) shown.add(id);
  const byNumber = (a: number, b: number): number => a - b;
  const violation: Violation = {
    property: 'linearizability',
    anomaly,
    prose: `Key ${key}: ${prose}`,
    key,
    opIds: [...shown].sort(byNumber),
    certificate: idsOf(steps).sort(byNumber),
    linearizedIds: idsOf(prefix).filter((id) => shown.has(id)),
    stuckId: stuck.op.id,
    stateBefore: state,
  };
  return { verdict: 'violation', detail: `${anomaly}: ${prose}`, violation, witness: null };
}
