import { isLinearizableByDefinition } from '../../harness/checker/testing/brute-force.ts';
import { FrontierSearch } from '../../harness/checker/search/frontier.ts';
import { decidePart, judgeKey, proofOf, stepsOf } from '../../harness/checker/key.ts';
import { bearingOf, models } from '../../harness/checker/models.ts';
import { type Part, toParts } from '../../harness/checker/parts.ts';
import type { Problem } from '../../harness/checker/search/problem.ts';
import { registerMachine } from '../../harness/checker/search/register-machine.ts';
import { verifyWitnesses } from '../../harness/checker/verify.ts';
import { WglSearch } from '../../harness/checker/search/wgl.ts';
import type { Op } from '../../harness/history/op.ts';

/** What our checker says of a history, and what is wrong with how it says it. */
export interface Judgement {
  readonly linearizable: boolean;
  /** Per key with a violation: the operations that are said to prove it. They must do so by themselves. */
  readonly certificates: readonly (readonly Op[])[];
  readonly flaws: readonly string[];
}

/** So small a history needs milliseconds; without a limit a mistake could hold the whole run. */
const LIMITS = { limitMs: 10_000, memoryBytes: 64 * 1_048_576 };

/** How long a certificate is at most where values tell their writers apart, beside the chain. */
export const MOST_IN_CORE = 6;

/** A certificate without the CAS and appends that lead to what its other operations saw. */
export const coreOf = (certificate: readonly Op[]): readonly Op[] =>
  certificate.filter((op) => (op.f !== 'cas' && op.f !== 'append') || op.outcome === 'fail');

export function judge(ops: readonly Op[]): Judgement {
  const certificates: Op[][] = [];
  const flaws: string[] = [];
  for (const [key, ofKey] of Map.groupBy(ops, (op) => op.key)) {
    const add = (what: string): number => flaws.push(`key ${key}: ${what}`);
    const [part] = toParts(ofKey);
    const { verdict, detail, violation, witness } = judgeKey({ ops: ofKey }, LIMITS);
    if (verdict === 'unknown') add(`unknown: ${detail}`);
    else flawsOfSearches(part!, verdict).forEach(add);
    if (verdict === 'linearizable') flawsOfWitness(ofKey, witness).forEach(add);
    if (verdict !== 'violation') continue;
    const named = new Set(violation!.certificate);
    const certificate = ofKey.filter((op) => named.has(op.id));
    certificates.push(certificate);
    if ('verdict' in decidePart(part!) && coreOf(certificate).length > MOST_IN_CORE)
      add(`a certificate of ${coreOf(certificate).length} operations beside the chain: ${detail}`);
    if (/undefined|NaN|Infinity/.test(violation!.prose)) add(violation!.prose);
    if (!named.has(violation!.stuckId!)) add('the stuck operation is not in the certificate');
  }
  return { linearizable: certificates.length === 0, certificates, flaws };
}

/** Each search by itself: in turns with the other one it would seldom have the last word on so small a history. */
function flawsOfSearches(part: Part, verdict: 'linearizable' | 'violation'): readonly string[] {
  const { columns } = part;
  const machine = registerMachine(stepsOf(columns));
  const { call, ret, certain } = columns;
  const problem: Problem = { machine, steps: machine.steps, call, ret, certain };
  const searches = {
    'depth-first': new WglSearch(problem, LIMITS.memoryBytes),
    frontier: new FrontierSearch(problem, LIMITS.memoryBytes),
  };
  return Object.entries(searches).flatMap(([name, search]) => {
    const result = search.run(performance.now() + LIMITS.limitMs);
    if (result === null || result === 'memory') return [`${name}: no result`];
    if (result.verdict !== verdict) return [`${name}: ${result.verdict}, in all: ${verdict}`];
    if (result.verdict === 'violation') return [];
    const { positions, order } = proofOf(part, Int32Array.from(result.order));
    const flaw = flawOf(columns.ops, positions, order);
    return flaw === null ? [] : [`${name}: the order proves nothing: ${flaw}`];
  });
}

function flawsOfWitness(ops: readonly Op[], witness: readonly number[] | null): readonly string[] {
  if (witness === null) return ['linearizable, but without a witness'];
  const at = new Map(ops.map((op, position) => [op.id, position]));
  const order = Int32Array.from(witness, (id) => at.get(id) ?? -1);
  const flaw = flawOf(ops, Int32Array.from(ops.keys()), order);
  return flaw === null ? [] : [`the witness proves nothing: ${flaw}`];
}

function flawOf(ops: readonly Op[], positions: Int32Array, order: Int32Array): string | null {
  const walk = verifyWitnesses(models.kv, ops, [{ positions, order }], (op) => bearingOf(op));
  let next = walk.next();
  while (next.done !== true) next = walk.next();
  return next.value[0]!;
}

/** By trying every order; for a machine without Porcupine. */
export const bruteForce = (ops: readonly Op[]): boolean =>
  [...Map.groupBy(ops, (op) => op.key).values()].every(isLinearizableByDefinition);
