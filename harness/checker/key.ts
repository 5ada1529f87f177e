import type { Op } from '../history/op.ts';
import type { Violation } from '../result.ts';
import { began, deed, ended, showValue } from './describe.ts';
import { type Explanation, explain } from './explain.ts';
import { minimise, type Window } from './minimise.ts';
import { type CasFail, type Step, toSteps } from './steps.ts';
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
/** How many operations of an order are named in prose. */
const MAX_NAMED = 8;
/** A window with more steps is shown by the ones that matter: the report cannot draw thousands. */
const MAX_WINDOW = 60;

/**
 * Judges the operations of one key, none of them left out. Without search where values tell their writers
 * apart, else by Wing–Gong–Lowe; either answer is looked at once more before it is given: an order by the
 * verifier, a contradiction by the search.
 *
 * @throws Error on operations that no recorder writes (`toSteps`).
 */
export function judgeKey(
  {
    key,
    ops,
    casFail,
  }: { readonly key: string; readonly ops: readonly Op[]; readonly casFail?: CasFail | undefined },
  { limitMs, memoryBytes }: KeyLimits,
): KeyVerdict {
  const limits: SearchLimits = { deadline: performance.now() + limitMs, memoryBytes };
  const steps = toSteps(ops, casFail);
  const decision = decideUnambiguous(steps);
  if (decision.verdict === 'linearizable') return linearizable(steps, decision.order);
  if (decision.verdict === 'violation') {
    const failed = ops.filter((op) => op.outcome === 'fail');
    const explanation = explain(decision.contradiction, failed);
    return confirmed(key, { ...explanation, steps: decision.support(explanation.steps) }, memoryBytes);
  }
  const result = search(steps, limits);
  if (result.verdict === 'unknown')
    return {
      verdict: 'unknown',
      detail: `${result.reason} (a search was needed: ${decision.reason})`,
      violation: null,
      witness: null,
    };
  if (result.verdict === 'linearizable') return linearizable(steps, result.order);
  const window = minimise({ ...result, steps }, { deadline: performance.now() + EXPLAIN_MS, memoryBytes });
  return asViolation(key, wordsFor(window), window);
}

function linearizable(steps: readonly Step[], order: readonly Step[]): KeyVerdict {
  const flaw = verifyWitness(steps, order);
  if (flaw !== null)
    return {
      verdict: 'unknown',
      detail: `the checker contradicts itself: its order proves nothing, ${flaw}`,
      violation: null,
      witness: null,
    };
  return {
    verdict: 'linearizable',
    detail: `${order.length} operations in one order`,
    violation: null,
    witness: order.map((step) => step.op.id),
  };
}

/** The few steps of a contradiction must have no order by themselves, by the other method too. */
function confirmed(key: string, explanation: Explanation, memoryBytes: number): KeyVerdict {
  const result = search(explanation.steps, { deadline: performance.now() + CONFIRM_MS, memoryBytes });
  if (result.verdict === 'linearizable') {
    return {
      verdict: 'unknown',
      detail: `the checker contradicts itself: it has an order for what it calls a ${explanation.anomaly}: ${explanation.prose}`,
      violation: null,
      witness: null,
    };
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
