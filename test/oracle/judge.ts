import { isLinearizableByDefinition } from '../../harness/checker/brute-force.ts';
import { decidePart, judgeKey } from '../../harness/checker/key.ts';
import { bearingOf, models } from '../../harness/checker/models.ts';
import { toParts } from '../../harness/checker/parts.ts';
import { verifyWitnesses } from '../../harness/checker/verify.ts';
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
    const { verdict, detail, violation, witness } = judgeKey({ ops: ofKey }, LIMITS);
    if (verdict === 'unknown') flaws.push(`key ${key}: unknown: ${detail}`);
    if (verdict === 'linearizable') flaws.push(...flawsOfWitness(ofKey, witness));
    if (verdict !== 'violation') continue;
    const named = new Set(violation!.certificate);
    const certificate = ofKey.filter((op) => named.has(op.id));
    certificates.push(certificate);
    const isDecided = 'verdict' in decidePart(toParts(ofKey)[0]!);
    if (isDecided && coreOf(certificate).length > MOST_IN_CORE)
      flaws.push(
        `key ${key}: a certificate of ${coreOf(certificate).length} operations beside the chain: ${detail}`,
      );
    if (/undefined|NaN|Infinity/.test(violation!.prose)) flaws.push(`key ${key}: ${violation!.prose}`);
    if (!named.has(violation!.stuckId!))
      flaws.push(`key ${key}: the stuck operation is not in the certificate`);
  }
  return { linearizable: certificates.length === 0, certificates, flaws };
}

function flawsOfWitness(ops: readonly Op[], witness: readonly number[] | null): readonly string[] {
  if (witness === null) return ['linearizable, but without a witness'];
  const at = new Map(ops.map((op, position) => [op.id, position]));
  const order = Int32Array.from(witness, (id) => at.get(id) ?? -1);
  const walk = verifyWitnesses(models.kv, ops, [{ positions: Int32Array.from(ops.keys()), order }], (op) =>
    bearingOf(op),
  );
  let next = walk.next();
  while (next.done !== true) next = walk.next();
  const [flaw] = next.value;
  return flaw === null ? [] : [`the witness proves nothing: ${flaw}`];
}

/** By trying every order; for a machine without Porcupine. */
export const bruteForce = (ops: readonly Op[]): boolean =>
  [...Map.groupBy(ops, (op) => op.key).values()].every(isLinearizableByDefinition);
