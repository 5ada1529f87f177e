import { type CasFail, checkLinearizable, type RegisterModel } from '../../checker/library.ts';
import type { LinearizabilityResult } from '../../checker/linearizable.ts';
import { bearingOf } from '../../checker/models.ts';
import type { ImportedHistory } from '../../history/formats/history.ts';
import type { Op } from '../../history/op.ts';
import type { OtherMeaning } from '../../report/judged-history.ts';

/** A result, and what it was found with. */
export interface Judgement {
  readonly history: ImportedHistory;
  readonly model: RegisterModel;
  readonly casFail: CasFail | undefined;
  readonly result: LinearizabilityResult;
  readonly limitMs: number;
  readonly memoryMb: number;
}

/**
 * The verdict under the other meaning of failed CAS; null: it is the same. Where nothing is wrong, the other meaning is
 * that every failed CAS proves a mismatch. Where `mismatch` made a violation, it is that only those prove one that say
 * so. Only keys with failed CAS of two meanings are judged again.
 */
export async function otherMeaning({ result, ...judgement }: Judgement): Promise<OtherMeaning | null> {
  const { history, casFail } = judgement;
  const { verdict } = result;
  // Fewer constraints cannot make a violation, and more cannot remove one.
  const isWeakest = casFail !== 'mismatch';
  if (verdict === 'unknown' || isWeakest !== (verdict === 'linearizable')) return null;
  const other = isWeakest ? 'mismatch' : undefined;
  const affected = new Map<string, number>();
  for (const op of history.ops)
    if (isFailedCas(op) && bearingOf(op, casFail) !== bearingOf(op, other))
      affected.set(op.key, (affected.get(op.key) ?? 0) + 1);
  const stays = result.violations.some(({ key }) => !affected.has(key!));
  if (affected.size === 0 || stays) return null;
  const again = await judgeAgain(judgement, other, affected, result.tookMs);
  if (again.verdict === verdict) return null;
  const found = again.violations[0];
  return {
    casFail: other ?? null,
    verdict: again.verdict,
    failedCas: [...affected.values()].reduce((sum, count) => sum + count, 0),
    anomaly: found === undefined ? null : `${found.anomaly} on key ${found.key}`,
  };
}

async function judgeAgain(
  { history, model, limitMs, memoryMb }: Omit<Judgement, 'result'>,
  casFail: CasFail | undefined,
  keys: ReadonlyMap<string, number>,
  tookMs: number,
): Promise<LinearizabilityResult> {
  const ops = history.ops.filter((op) => keys.has(op.key));
  const { initial } = history;
  const options = { model, initial, memoryMb, limitMs: Math.max(1, limitMs - tookMs) };
  return await checkLinearizable(ops, casFail === undefined ? options : { ...options, casFail });
}

const isFailedCas = (op: Op): boolean => op.f === 'cas' && op.outcome === 'fail';

/** Number of failed CAS that do not say whether the value was another one. */
export const unprovenCas = (ops: readonly Op[]): number =>
  ops.filter((op) => isFailedCas(op) && bearingOf(op) === 'none').length;
