import { isLinearizableByDefinition } from '../../harness/checker/testing/brute-force.ts';
import { FrontierSearch } from '../../harness/checker/search/frontier.ts';
import { decidePart, checkKey, proofOf, stepsOf } from '../../harness/checker/key.ts';
import { bearingOf, models } from '../../harness/checker/models.ts';
import { type Part, toParts } from '../../harness/checker/parts.ts';
import type { Problem } from '../../harness/checker/search/problem.ts';
import { registerMachine } from '../../harness/checker/search/register-machine.ts';
import { verifyWitnesses } from '../../harness/checker/verify.ts';
import { WglSearch } from '../../harness/checker/search/wgl.ts';
import type { Op } from '../../harness/history/op.ts';

/** Verdict of our checker on a history, and the flaws found in its result. */
export interface Examination {
  readonly linearizable: boolean;
  /** Per key with a violation: the operations of its proof, which must be a violation by themselves. */
  readonly certificates: readonly (readonly Op[])[];
  readonly flaws: readonly string[];
}

/** Limits of a check. A small history needs milliseconds, but a mistake could make a search endless. */
const LIMITS = { limitMs: 10_000, memoryBytes: 64 * 1_048_576 };

/** Maximum number of operations in the core of a certificate, if each value has one writer. */
export const MAX_CORE_OPERATIONS = 6;

/** The core of a certificate: all but the chain of CAS and appends that leads to the values the others saw. */
export const coreOf = (certificate: readonly Op[]): readonly Op[] =>
  certificate.filter((op) => (op.f !== 'cas' && op.f !== 'append') || op.outcome === 'fail');

/** Checks a history, then each search, witness and certificate of the result by itself. */
export function examine(ops: readonly Op[]): Examination {
  const certificates: Op[][] = [];
  const flaws: string[] = [];
  for (const [key, ofKey] of Map.groupBy(ops, (op) => op.key)) {
    const add = (what: string): number => flaws.push(`key ${key}: ${what}`);
    const [part] = toParts(ofKey);
    const { verdict, detail, violation, witness } = checkKey({ ops: ofKey }, LIMITS);
    if (verdict === 'unknown') add(`unknown: ${detail}`);
    else flawsOfSearches(part!, verdict).forEach(add);
    if (verdict === 'linearizable') flawsOfWitness(ofKey, witness).forEach(add);
    if (verdict !== 'violation') continue;
    const named = new Set(violation!.certificate);
    const certificate = ofKey.filter((op) => named.has(op.id));
    certificates.push(certificate);
    if ('verdict' in decidePart(part!) && coreOf(certificate).length > MAX_CORE_OPERATIONS)
      add(`the certificate has ${coreOf(certificate).length} operations in addition to the chain: ${detail}`);
    if (/undefined|NaN|Infinity/.test(violation!.prose)) add(violation!.prose);
    if (!named.has(violation!.stuckId!)) add('the stuck operation is not in the certificate');
  }
  return { linearizable: certificates.length === 0, certificates, flaws };
}

/** Runs each search alone: in a portfolio, one of them would seldom be the one that finishes a small history. */
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
    if (result.verdict !== verdict) return [`${name}: ${result.verdict}, but the checker: ${verdict}`];
    if (result.verdict === 'violation') return [];
    const { positions, order } = proofOf(part, Int32Array.from(result.order));
    const flaw = flawOf(columns.ops, positions, order);
    return flaw === null ? [] : [`${name}: the order is not a proof: ${flaw}`];
  });
}

function flawsOfWitness(ops: readonly Op[], witness: readonly number[] | null): readonly string[] {
  if (witness === null) return ['linearizable without a witness'];
  const at = new Map(ops.map((op, position) => [op.id, position]));
  const order = Int32Array.from(witness, (id) => at.get(id) ?? -1);
  const flaw = flawOf(ops, Int32Array.from(ops.keys()), order);
  return flaw === null ? [] : [`the witness is not a proof: ${flaw}`];
}

function flawOf(ops: readonly Op[], positions: Int32Array, order: Int32Array): string | null {
  const walk = verifyWitnesses(models.kv, ops, [{ positions, order }], (op) => bearingOf(op));
  let next = walk.next();
  while (next.done !== true) next = walk.next();
  return next.value[0]!;
}

/** Checks by trying every order. Used where Porcupine is not available. */
export const bruteForce = (ops: readonly Op[]): boolean =>
  [...Map.groupBy(ops, (op) => op.key).values()].every(isLinearizableByDefinition);
