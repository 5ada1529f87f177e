import type { Op } from '../history/op.ts';
import type { Violation } from '../result.ts';
import { stepAt, toColumns } from './columns.ts';
import { began, deed, ended, showValue } from './describe.ts';
import { type Explanation, explain } from './explain.ts';
import { minimise, type Window } from './minimise.ts';
import { bearingOf, models } from './models.ts';
import type { CasFail, Step } from './steps.ts';
import { decideUnambiguous } from './unambiguous.ts';
import { verifyWitness } from './verify.ts';
import { search, type SearchLimits } from './wgl.ts';

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

/** What explaining a violation may take, over and above finding it. */
const EXPLAIN_MS = 2_000;
/** What looking at a contradiction by search may take: it has a proof of its own. */
const CONFIRM_MS = 300;
const CONFIRM_BYTES = 16 * 1_048_576;
/** How many operations of an order are named in prose. */
const MAX_NAMED = 8;
/** A window with more steps is shown by the ones that matter: the report cannot draw thousands. */
const MAX_WINDOW = 60;

/** One key's operations, and how to read them. */
export interface KeyHistory {
  readonly key: string;
  readonly ops: readonly Op[];
  readonly casFail?: CasFail | undefined;
}

/** Judges the operations of one key, none of them left out: without search where that is possible. */
export function judgeKey(history: KeyHistory, limits: KeyLimits): KeyVerdict {
  const decided = decideKey(history);
  return 'verdict' in decided ? decided : searchKey(history, decided, limits);
}

/**
 * The verdict where values tell their writers apart, without a search and so without a limit; else why one is needed.
 * Either verdict is looked at once more before it is given: an order by the verifier, a contradiction by a search of
 * the few operations it rests on.
 *
 * @throws Error on operations that no recorder writes (`toColumns`).
 */
export function decideKey(history: KeyHistory): KeyVerdict | { readonly reason: string } {
  const columns = toColumns(history.ops, history.casFail);
  const decision = decideUnambiguous(columns);
  if (decision.verdict === 'ambiguous') return { reason: decision.reason };
  if (decision.verdict === 'linearizable') {
    const { order } = decision;
    for (let i = 0; i < order.length; i++) order[i] = columns.at[order[i]!]!;
    return linearizable(history, order);
  }
  const failed = history.ops.filter((op) => op.outcome === 'fail');
  const explanation = explain(decision.contradiction, failed);
  return confirmed(history.key, { ...explanation, steps: decision.support(explanation.steps) });
}

/** The verdict by Wing–Gong–Lowe. `reason`: why a search is needed. */
export function searchKey(
  history: KeyHistory,
  { reason }: { readonly reason: string },
  { limitMs, memoryBytes }: KeyLimits,
): KeyVerdict {
  const limits: SearchLimits = { deadline: performance.now() + limitMs, memoryBytes };
  const columns = toColumns(history.ops, history.casFail);
  const steps = Array.from({ length: columns.size }, (_, i) => stepAt(columns, i));
  const result = search(steps, limits);
  if (result.verdict === 'unknown') return unknown(`${result.reason} (a search was needed: ${reason})`);
  if (result.verdict === 'linearizable') {
    const positions = new Map(history.ops.map((op, position) => [op, position]));
    return linearizable(
      history,
      Int32Array.from(result.order, (step) => positions.get(step.op)!),
    );
  }
  const window = minimise({ ...result, steps }, { deadline: performance.now() + EXPLAIN_MS, memoryBytes });
  return asViolation(history.key, wordsFor(window), window);
}

/** `order`: positions in the key's operations. */
function linearizable({ ops, casFail }: KeyHistory, order: Int32Array): KeyVerdict {
  const flaw = verifyWitness(models.kv, ops, order, (op) => bearingOf(op, casFail));
  if (flaw !== null) return unknown(`the checker contradicts itself: its order proves nothing, ${flaw}`);
  const witness: number[] = [];
  for (const position of order) witness.push(ops[position]!.id);
  return {
    verdict: 'linearizable',
    detail: `${order.length} operations in one order`,
    violation: null,
    witness,
  };
}

const unknown = (detail: string): KeyVerdict => ({
  verdict: 'unknown',
  detail,
  violation: null,
  witness: null,
});

/** The few steps of a contradiction must have no order by themselves, by the other method too. */
function confirmed(key: string, explanation: Explanation): KeyVerdict {
  const result = search(explanation.steps, {
    deadline: performance.now() + CONFIRM_MS,
    memoryBytes: CONFIRM_BYTES,
  });
  if (result.verdict === 'linearizable') {
    return unknown(
      `the checker contradicts itself: it has an order for what it calls a ${explanation.anomaly}: ${explanation.prose}`,
    );
  }
  if (result.verdict === 'violation')
    return asViolation(key, explanation, { ...result, steps: explanation.steps });
  // The contradiction stands by its own proof; only the picture of it is poorer.
  const stuck = explanation.steps.at(-1)!;
  return asViolation(key, explanation, { steps: explanation.steps, prefix: [], stuck, state: null });
}

function asViolation(
  key: string,
  { anomaly, prose }: Omit<Explanation, 'steps'>,
  window: Window,
): KeyVerdict {
  // The latest ones: they are the contradiction, what is before them only leads up to it.
  const shown = new Set([...window.steps.slice(-MAX_WINDOW), window.stuck].map((step) => step.op.id));
  const violation: Violation = {
    property: 'linearizability',
    anomaly,
    prose: `Key ${key}: ${prose}`,
    key,
    opIds: [...shown].sort((a, b) => a - b),
    linearizedIds: window.prefix.map((step) => step.op.id).filter((id) => shown.has(id)),
    stuckId: window.stuck.op.id,
    stateBefore: window.state,
  };
  return { verdict: 'violation', detail: `${anomaly}: ${prose}`, violation, witness: null };
}

/**
 * For a violation that was found by search: no rule names it, so it is told from where the longest order
 * ends.
 */
function wordsFor({ steps, prefix, stuck, state }: Window): Omit<Explanation, 'steps'> {
  const order = prefix.slice(-MAX_NAMED).map((step) => `#${step.op.id}`);
  if (prefix.length > MAX_NAMED) order.unshift('…');
  const longest =
    prefix.length === 0 ? 'No operation can come first' : `The longest order is ${order.join(', ')}`;
  const tail = `${longest}; there the value is ${showValue(state)}, and ${deed(stuck)}; it ${times(stuck)}. No order of these ${steps.length} operations is a register's.`;
  const wanted = stuck.kind === 'read' || stuck.kind === 'cas' ? stuck.from : undefined;
  const writers = steps.filter((step) => step.to === wanted && step.to !== null);
  if (
    wanted !== undefined &&
    wanted !== null &&
    writers.length === 0 &&
    !steps.some((step) => step.kind === 'append')
  ) {
    return { anomaly: 'value from nowhere', prose: tail };
  }
  const stale =
    stuck.kind === 'read' &&
    (wanted === null || writers.some((step) => prefix.some((taken) => taken.op === step.op)));
  return { anomaly: stale ? 'stale read' : 'not linearizable', prose: tail };
}

const times = (step: Step): string =>
  `${began(step).replace(/^.*began/, 'began')} and ${ended(step).replace(/^.*had ended/, 'had ended')}`;
