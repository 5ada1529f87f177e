import type { Op, RegisterValue } from '../history/op.ts';
import type { Violation } from '../result.ts';
import { checkModel } from './check-model.ts';
import { checkRegisters, type PartLimits } from './check-registers.ts';
import type { Model, Operation } from './model.ts';
import { expectFunctions, isRegisterModel, models, type RegisterModel } from './models.ts';
import { partedHistory, type PartedHistory } from './parts.ts';
import type { CasFail } from './steps.ts';

export interface KeyResult {
  readonly key: string;
  readonly verdict: 'linearizable' | 'violation' | 'unknown';
  readonly operations: number;
  /** Time to check the key, in ms. The time to verify witnesses is not known per key. */
  readonly tookMs: number;
  readonly detail: string;
  /**
   * The proof of a linearizable key: ids of operations in an order that real time and the model allow. It does not
   * contain reads with an unknown outcome, failures without effect, and unknown operations that nothing depends on.
   * Null for other verdicts.
   */
  readonly witness: readonly number[] | null;
}

export interface LinearizabilityResult {
  readonly verdict: 'linearizable' | 'violation' | 'unknown';
  readonly detail: string;
  readonly keys: readonly KeyResult[];
  readonly violations: readonly Violation[];
  readonly tookMs: number;
}

export interface CheckOptions {
  /** `models.kv` by default. */
  readonly model?: RegisterModel;
  readonly casFail?: CasFail;
  /** The value of a key that was never written; null (nothing) by default. */
  readonly initial?: RegisterValue;
  /** Time limit for all keys together in ms; keys that are not checked by then are `unknown`. 60,000 by default. */
  readonly limitMs?: number;
  /** Approximate memory limit of the process in MB (default 512). Searches get the remainder, at least 16. */
  readonly memoryMb?: number;
  readonly signal?: AbortSignal;
}

/** As `CheckOptions`, with the user's own model. */
export interface ModelOptions<State, O extends Operation> extends Omit<
  CheckOptions,
  'model' | 'casFail' | 'initial'
> {
  readonly model: Model<State, O>;
}

/** Maximum number of keys that the sentence of the verdict names besides the first. */
const MAX_NAMED_KEYS = 10;

/**
 * Checks whether the history is linearizable, part by part (Herlihy and Wing 1990: linearizability is local). For the
 * models of `models`, every key is a register (read, write, cas, delete as the write of a tombstone, append) that is
 * initially empty (null). If each value identifies its writer, no search is needed and no limit applies. A search may
 * end `unknown`. An error also ends `unknown`; it never makes a part linearizable. A history that was separated by keys
 * while it was read (`PartsBuilder`) is checked faster than a list of operations.
 *
 * With the user's own model, everything is done by search, in this thread, because functions cannot be sent to another
 * one. The search gives the event loop a turn every few milliseconds.
 *
 * Rejects only with a `ModelError`: the history has an operation that the model does not know.
 */
export async function checkLinearizable(
  history: readonly Op[] | PartedHistory,
  options?: CheckOptions,
): Promise<LinearizabilityResult>;
export async function checkLinearizable<State, O extends Operation>(
  ops: readonly O[],
  options: ModelOptions<State, O>,
): Promise<LinearizabilityResult>;
export async function checkLinearizable(
  history: readonly Op[] | PartedHistory,
  options: CheckOptions | ModelOptions<unknown, Op> = {},
): Promise<LinearizabilityResult> {
  const start = performance.now();
  const { model = models.kv, limitMs = 60_000, memoryMb = 512, signal } = options;
  const limits: PartLimits = { start, limitMs, memoryMb, signal };
  const violations: Violation[] = [];
  const ops = 'parts' in history ? history.ops : history;
  const judged = isRegisterModel(model)
    ? await registers(history, model, options as CheckOptions, limits)
    : await checkModel(model, ops, limits);
  const keys = judged.map(({ verdict: { violation, ...verdict }, ...part }): KeyResult => {
    if (violation !== null) violations.push(violation);
    return { ...part, ...verdict };
  });
  const tookMs = performance.now() - start;
  return { ...summary(keys, violations, ops.length, tookMs), keys, violations, tookMs };
}

function registers(
  history: readonly Op[] | PartedHistory,
  model: RegisterModel,
  { casFail, initial = null }: CheckOptions,
  limits: PartLimits,
): ReturnType<typeof checkRegisters> {
  const parted = withParts(history, casFail, initial);
  expectFunctions(parted, model);
  return checkRegisters(parted, limits);
}

function withParts(
  history: readonly Op[] | PartedHistory,
  casFail: CasFail | undefined,
  initial: RegisterValue,
): PartedHistory {
  if (!('parts' in history)) return partedHistory(history, casFail, initial);
  const isSo = history.casFail === casFail && history.initial === initial;
  return isSo ? history : partedHistory(history.ops, casFail, initial);
}

function summary(
  keys: readonly KeyResult[],
  violations: readonly Violation[],
  operations: number,
  tookMs: number,
): Pick<LinearizabilityResult, 'verdict' | 'detail'> {
  const figures = `${operations} operations on ${keys.length} key${keys.length === 1 ? '' : 's'}, judged in ${(tookMs / 1_000).toFixed(2)} s`;
  const bad = keys.filter((key) => key.verdict === 'violation');
  const open = keys.filter((key) => key.verdict === 'unknown');
  const undecided = open.map((key) => `${key.key}: ${key.detail}`).join('; ');
  if (bad.length > 0) {
    const also = open.length === 0 ? '' : `; undecided: ${undecided}`;
    return { verdict: 'violation', detail: `${inShort(bad, violations)} (${figures})${also}` };
  }
  if (open.length > 0) return { verdict: 'unknown', detail: `${undecided} (${figures})` };
  return { verdict: 'linearizable', detail: figures };
}

/** The violation of the first key in full, and the names of the others; `violations` has all of them in full. */
function inShort([first, ...others]: readonly KeyResult[], violations: readonly Violation[]): string {
  const told = `${first!.key}: ${first!.detail}`;
  if (others.length === 0) return told;
  const anomalyOf = new Map(violations.map(({ key, anomaly }) => [key, anomaly]));
  const named = others.slice(0, MAX_NAMED_KEYS).map(({ key }) => `${key} (${anomalyOf.get(key)})`);
  if (others.length > MAX_NAMED_KEYS) named.push(`${others.length - MAX_NAMED_KEYS} more`);
  return `${told} Also ${named.join(', ')}`;
}
