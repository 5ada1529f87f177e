import { PorcupineStream } from '../../bench/porcupine/driver.ts';
import type { Op } from '../../harness/history/op.ts';
import { bruteForce, type Examination, examine } from './examine.ts';
import { rewriting } from './rewrite.ts';
import { smallHistory, type SmallHistory } from './small-histories.ts';

export interface Series {
  readonly seed: number;
  /** Number of the first history. The series is (seed, from), (seed, from + 1), … */
  readonly from: number;
  readonly count: number;
  /** Path of the Porcupine driver; null: the oracle is brute force. */
  readonly porcupine: string | null;
}

export interface Disagreement {
  readonly number: number;
  readonly kind: string;
  readonly what: string;
  readonly ops: readonly Op[];
}

export interface Tally {
  histories: number;
  violations: number;
}

/** Number of histories that are sent to the oracle at a time. */
const BATCH = 1_000;

/** Checks a series with our checker and the oracle. Counts per kind of history, and reports every disagreement. */
export async function compare(
  { seed, from, count, porcupine }: Series,
  onDisagreement: (found: Disagreement) => void,
  onBatch: (done: number) => void = () => {},
): Promise<ReadonlyMap<string, Tally>> {
  const tallies = new Map<string, Tally>();
  await using oracle: Oracle = porcupine === null ? byDefinition() : new PorcupineStream(porcupine);
  for (let done = 0; done < count; done += BATCH) {
    const histories = Array.from({ length: Math.min(BATCH, count - done) }, (_, i) =>
      smallHistory(seed, from + done + i),
    );
    oracle.ask(histories.map(({ ops }) => ops));
    const examined = histories.map(({ ops }) => examine(ops));
    const certificates = examined.map((examination) => examination.certificates);
    oracle.ask(certificates.flat());
    const rewritten = histories.map(({ ops }, i) => rewriting(ops, seed, from + done + i));
    oracle.ask(rewritten.map(({ told }) => told));
    const verdicts = await oracle.answers();
    let certificate = histories.length;
    const firstTold = histories.length + certificates.flat().length;
    for (const [i, history] of histories.entries()) {
      const legal = certificates[i]!.filter(() => verdicts[certificate++]!);
      const expected = verdicts[i]!;
      for (const what of disagreements(history, examined[i]!, expected, legal))
        onDisagreement({ number: from + done + i, kind: history.kind, what, ops: history.ops });
      const told = { original: expected, told: verdicts[firstTold + i]! };
      for (const what of rewritten[i]!.flaws(told))
        onDisagreement({ number: from + done + i, kind: history.kind, what, ops: history.ops });
      const tally = tallies.get(history.kind) ?? { histories: 0, violations: 0 };
      tallies.set(history.kind, tally);
      tally.histories++;
      if (!expected) tally.violations++;
    }
    onBatch(done + histories.length);
  }
  return tallies;
}

function disagreements(
  { isValid }: SmallHistory,
  { linearizable, flaws }: Examination,
  expected: boolean,
  legalCertificates: readonly (readonly Op[])[],
): readonly string[] {
  const inWords = (verdict: boolean): string => (verdict ? 'linearizable' : 'a violation');
  const wrong = [...flaws];
  if (linearizable !== expected)
    wrong.push(`the checker: ${inWords(linearizable)}, the oracle: ${inWords(expected)}`);
  if (isValid && !expected) wrong.push('the oracle finds a violation in a history of correct registers');
  for (const ops of legalCertificates)
    wrong.push(`the oracle finds an order for the certificate ${ops.map((op) => `#${op.id}`).join(' ')}`);
  return wrong;
}

interface Oracle extends AsyncDisposable {
  ask(histories: readonly (readonly Op[])[]): void;
  answers(): Promise<readonly boolean[]>;
}

const byDefinition = (): Oracle => {
  const asked: (readonly Op[])[] = [];
  return {
    ask: (histories) => void asked.push(...histories),
    answers: () => Promise.resolve(asked.splice(0).map(bruteForce)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
};
