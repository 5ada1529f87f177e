import type { LinearizabilityResult } from '../checker/linearizable.ts';
import type { HistoryClock, ImportedHistory } from '../history/formats/history.ts';
import { EXIT } from '../result.ts';
import { plural } from './format.ts';

/** A history and the result of checking it. Every output form of `chaos check` is made from this. */
export interface JudgedHistory {
  /** Name of the history in messages. */
  readonly file: string;
  readonly history: ImportedHistory;
  readonly model: string;
  /** Meaning of a failed CAS; undefined if the error of each CAS tells it. */
  readonly casFail: 'mismatch' | 'nothing' | undefined;
  /** The verdict under the other meaning of a failed CAS; null if it is the same. */
  readonly otherMeaning: OtherMeaning | null;
  /** Number of failed CAS that do not say whether the value was different. */
  readonly unprovenCas: number;
  /** True if the user allows an empty history. */
  readonly allowEmpty: boolean;
  /** Suggestions for the user, in sentences. */
  readonly hints: readonly string[];
  /** The result; its prose gives moments by the history's clock. */
  readonly result: LinearizabilityResult;
  readonly limitMs: number;
  readonly memoryMb: number;
  readonly readMs: number;
}

/** A verdict that depends on the meaning of failed CAS. */
export interface OtherMeaning {
  /** The other meaning; null means that each line says it. */
  readonly casFail: 'mismatch' | null;
  readonly verdict: LinearizabilityResult['verdict'];
  /** Number of failed CAS that have two meanings. */
  readonly failedCas: number;
  /** The first violation under the other meaning, in short. */
  readonly anomaly: string | null;
}

export function exitCodeOf({ verdict }: LinearizabilityResult): number {
  switch (verdict) {
    case 'linearizable':
      return EXIT.pass;
    case 'violation':
      return EXIT.violation;
    case 'unknown':
      return EXIT.inconclusive;
    default:
      return verdict satisfies never;
  }
}

/** The verdict in a plain sentence. */
export function sentenceOf(judged: JudgedHistory): string {
  const { file, history, result, allowEmpty } = judged;
  const { keys } = result;
  const whole = `${plural(history.ops.length, 'operation')} on ${plural(keys.length, 'key')}`;
  if (history.ops.length === 0)
    return allowEmpty
      ? `${file} contains no operation: nothing was checked, which --allow-empty allows.`
      : `${file} contains no operation, so nothing was checked. If it may be empty, use --allow-empty.`;
  if (result.verdict === 'linearizable') return `${file} is linearizable: ${whole}.${condition(judged)}`;
  if (result.verdict === 'violation') {
    const [first] = result.violations;
    const bad = keys.filter((key) => key.verdict === 'violation').length;
    const also = bad > 1 ? ` and on ${plural(bad - 1, 'more key', 'more keys')}` : '';
    return `${file} is not linearizable: ${first!.anomaly} on key ${first!.key}${also}.${condition(judged)}`;
  }
  const open = keys.filter((key) => key.verdict === 'unknown');
  const more = open.length > 1 ? ` and ${plural(open.length - 1, 'more key', 'more keys')}` : '';
  return `It is not known whether ${file} is linearizable: key ${open[0]!.key}${more} could not be decided.`;
}

/** A further sentence if the verdict depends on the meaning of failed CAS, otherwise ''. */
function condition({ otherMeaning: other }: JudgedHistory): string {
  if (other === null) return '';
  const { failedCas, anomaly } = other;
  const cas = failedCas === 1 ? '1 failed cas that does' : `${failedCas} failed cas that do`;
  const they = failedCas === 1 ? 'it' : 'they';
  const verdict = {
    linearizable: 'the history is linearizable',
    violation: `the history is not linearizable: ${anomaly}`,
    unknown: 'it is not known whether the history is linearizable',
  }[other.verdict];
  const depends = ` This depends on ${cas} not say that the value was another one`;
  return other.casFail === 'mismatch'
    ? `${depends}: if ${they} ${failedCas === 1 ? 'means' : 'mean'} that (--cas-fail mismatch), ${verdict}.`
    : `${depends}, but ${failedCas === 1 ? 'was' : 'were'} taken so (--cas-fail mismatch): without that, ${verdict}.`;
}

/**
 * The checker writes times as seconds of a run: `at 0.041000 s`. If the history has no times, its ms are numbers of
 * lines or events.
 */
export function proseByClock(prose: string, clock: HistoryClock): string {
  if (clock === 'time') return prose;
  const place = clock === 'line' ? 'in line' : 'at event';
  return prose.replaceAll(
    /\bat (\d+\.\d{3,6}) s\b/g,
    (_, seconds: string) => `${place} ${Math.round(Number(seconds) * 1_000)}`,
  );
}
