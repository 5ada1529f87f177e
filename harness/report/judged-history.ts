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
  /** Meaning of a failed CAS; undefined: its error says it. */
  readonly casFail: 'mismatch' | 'nothing' | undefined;
  /** Its prose tells moments by the history's clock. */
  readonly result: LinearizabilityResult;
  readonly limitMs: number;
  readonly memoryMb: number;
  readonly readMs: number;
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
export function sentenceOf({ file, history, result }: JudgedHistory): string {
  const { keys } = result;
  const whole = `${plural(history.ops.length, 'operation')} on ${plural(keys.length, 'key')}`;
  if (history.ops.length === 0)
    return `${file} holds no operation: nothing was judged, and an empty history is linearizable.`;
  if (result.verdict === 'linearizable') return `${file} is linearizable: ${whole}.`;
  if (result.verdict === 'violation') {
    const [first] = result.violations;
    const bad = keys.filter((key) => key.verdict === 'violation').length;
    const also = bad > 1 ? ` and on ${plural(bad - 1, 'more key', 'more keys')}` : '';
    return `${file} is not linearizable: ${first!.anomaly} on key ${first!.key}${also}.`;
  }
  const open = keys.filter((key) => key.verdict === 'unknown');
  const more = open.length > 1 ? ` and ${plural(open.length - 1, 'more key', 'more keys')}` : '';
  return `It is not known whether ${file} is linearizable: key ${open[0]!.key}${more} could not be decided.`;
}

/**
 * The checker writes times as seconds of a run: `at 0.041000 s`. If the history counts lines or events, its ms are
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
