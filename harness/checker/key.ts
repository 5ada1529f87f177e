import type { Op } from '../history/op.ts';
import type { Violation } from '../result.ts';
import { stepAt } from './columns.ts';
import { began, deed, ended, showValue } from './describe.ts';
import { type Explanation, explain } from './explain.ts';
import { minimise, type Window } from './minimise.ts';
import { bearingOf, models } from './models.ts';
import { type Part, toParts } from './parts.ts';
import type { CasFail, Step } from './steps.ts';
import { decideUnambiguous } from './unambiguous.ts';
import { type Proof, verifyWitnesses } from './verify.ts';
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

/** A history of one key, and how to read it. */
export interface KeyHistory {
  readonly ops: readonly Op[];
  readonly casFail?: CasFail | undefined;
}

/** Judges the operations of one key, none of them left out: without search where that is possible. */
export function judgeKey(history: KeyHistory, limits: KeyLimits): KeyVerdict {
  const { ops, casFail } = history;
  const [part] = toParts(ops, casFail);
  if (part === undefined) throw new Error('no operations to judge');
  const decided = decidePart(part);
  if ('verdict' in decided) return decided;
  const found = 'order' in decided ? decided : searchPart(part, decided, limits);
  if ('verdict' in found) return found;
  const flaws = verifyWitnesses(models.kv, ops, [proofOf(part, found.order)], (op) => bearingOf(op, casFail));
  for (;;) {
    const next = flaws.next();
    if (next.done === true) return linearizable(part, found.order, next.value[0]!);
  }
}

/**
 * Where values tell their writers apart: a verdict, or an order (rows of the part's columns) that is still to be
 * verified; found without a search and so without a limit. Else why a search is needed. A contradiction is looked at
 * once more, by a search of the few operations it rests on.
 */
export function decidePart(
  part: Part,
): KeyVerdict | { readonly order: Int32Array } | { readonly reason: string } {
  const { columns } = part;
  if (part.flaw !== null) return unknown(part.flaw);
  const decision = decideUnambiguous(columns);
  if (decision.verdict === 'ambiguous') return { reason: decision.reason };
  if (decision.verdict === 'linearizable') return { order: decision.order };
  const failed: Op[] = [];
  for (const position of part.positions) {
    const op = columns.ops[position]!;
    if (op.outcome === 'fail') failed.push(op);
  }
  const explanation = explain(decision.contradiction, failed);
  return confirmed(part.key, { ...explanation, steps: decision.support(explanation.steps) });
}

/** A verdict, or an order, by Wing–Gong–Lowe. `reason`: why a search is needed. */
function searchPart(
  part: Part,
  { reason }: { readonly reason: string },
  { limitMs, memoryBytes }: KeyLimits,
): KeyVerdict | { readonly order: Int32Array } {
  const limits: SearchLimits = { deadline: performance.now() + limitMs, memoryBytes };
  const { columns } = part;
  const steps = Array.from({ length: columns.size }, (_, i) => stepAt(columns, i));
  const result = search(steps, limits);
  if (result.verdict === 'unknown') return unknown(`${result.reason} (a search was needed: ${reason})`);
  if (result.verdict === 'linearizable') {
    const rows = new Map(steps.map((step, row) => [step, row]));
    return { order: Int32Array.from(result.order, (step) => rows.get(step)!) };
  }
  const window = minimise({ ...result, steps }, { deadline: performance.now() + EXPLAIN_MS, memoryBytes });
  return asViolation(part.key, wordsFor(window), window);
}

/** `order`: rows of the part's columns. */
export const proofOf = ({ positions, columns: { at } }: Part, order: Int32Array): Proof => ({
  positions,
  order: order.map((row) => at[row]!),
});

/** The verdict on an order, with what the verifier found wrong about it. */
export function linearizable({ columns: { id } }: Part, order: Int32Array, flaw: string | null): KeyVerdict {
  if (flaw !== null) return unknown(`the checker contradicts itself: its order proves nothing, ${flaw}`);
  const witness: number[] = [];
  for (const row of order) witness.push(id[row]!);
  return {
    verdict: 'linearizable',
    detail: `${order.length} operations in one order`,
    violation: null,
    witness,
  };
}

export const unknown = (detail: string): KeyVerdict => ({
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
