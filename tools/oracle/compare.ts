import { PorcupineStream } from '../../bench/porcupine/driver.ts';
import type { Op } from '../../harness/history/op.ts';
import { bruteForce, judge } from './judge.ts';
import { smallHistory, type SmallHistory } from './small-histories.ts';

export interface Series {
  readonly seed: number;
  /** Of the first history; the series is (seed, from), (seed, from + 1), … */
  readonly from: number;
  readonly count: number;
  /** The program to ask; null: brute force. */
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

/** How many histories are on their way to the oracle and back at a time. */
const BATCH = 1_000;

/** Judges a series by ours and by the oracle; tallies by kind of history, and hands out what does not fit. */
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
    const judged = histories.map(({ ops }) => judge(ops));
    const certificates = judged.map((judgement) => judgement.certificates);
    oracle.ask(certificates.flat());
    const verdicts = await oracle.answers();
    let certificate = histories.length;
    for (const [i, history] of histories.entries()) {
      const legal = certificates[i]!.filter(() => verdicts[certificate++]!);
      const expected = verdicts[i]!;
      for (const what of wrongs(history, judged[i]!, expected, legal))
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

function wrongs(
  { isValid }: SmallHistory,
  { linearizable, flaws }: ReturnType<typeof judge>,
  expected: boolean,
  legalCertificates: readonly (readonly Op[])[],
): readonly string[] {
  const say = (verdict: boolean): string => (verdict ? 'linearizable' : 'a violation');
  const wrong = [...flaws];
  if (linearizable !== expected) wrong.push(`ours: ${say(linearizable)}, the oracle: ${say(expected)}`);
  if (isValid && !expected) wrong.push('the oracle finds a violation in what correct registers did');
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
