import { PorcupineStream } from '../../bench/porcupine/driver.ts';
import { checkKey, type KeyVerdict } from '../../harness/checker/key.ts';
import type { Op } from '../../harness/history/op.ts';
import { randomStream } from '../../harness/random.ts';
import { coreOf, MAX_CORE_OPERATIONS } from './examine.ts';
import { type Injected, injected, type Injection, validHistory } from './injections.ts';

const LIMITS = { limitMs: 10_000, memoryBytes: 64 * 1_048_576 };
const BATCH = 100;
/** Maximum number of appends in a certificate that Porcupine checks, because it tries every order of them. */
const MAX_APPENDS = 8;

export interface InjectionSeries {
  readonly injection: Injection;
  readonly seed: number;
  readonly count: number;
  /** Path of the Porcupine driver, which checks the certificates; null: they are not checked. */
  readonly porcupine: string | null;
}

/** Lists the mistakes that the checker made with these histories, one line per mistake. */
export async function checkInjections({
  injection,
  seed,
  count,
  porcupine,
}: InjectionSeries): Promise<readonly string[]> {
  const wrong: string[] = [];
  await using oracle = porcupine === null ? null : new PorcupineStream(porcupine);
  for (let from = 0; from < count; from += BATCH) {
    const certificates: { readonly number: number; readonly ops: readonly Op[] }[] = [];
    for (let number = from; number < Math.min(count, from + BATCH); number++) {
      const history = injected(injection, seed, number);
      const verdict = checkKey({ ops: history.ops }, LIMITS);
      const certificate = certificateOf(verdict, history);
      if (certificate.filter(({ f }) => f === 'append').length <= MAX_APPENDS)
        certificates.push({ number, ops: certificate });
      for (const what of mistakesIn(injection, history, verdict, certificate))
        wrong.push(`${number}: ${what}`);
    }
    if (oracle === null) continue;
    oracle.ask(certificates.map(({ ops }) => ops));
    for (const [i, legal] of (await oracle.answers()).entries())
      if (legal) wrong.push(`${certificates[i]!.number}: Porcupine finds an order for the certificate`);
  }
  return wrong.map((what) => `${injection.anomaly} (${injection.base}), seed ${seed}, history ${what}`);
}

function certificateOf({ violation }: KeyVerdict, { ops }: Injected): readonly Op[] {
  const ids = new Set(violation?.certificate);
  return ops.filter((op) => ids.has(op.id));
}

function mistakesIn(
  { anomaly }: Injection,
  { victims }: Injected,
  { verdict, detail, violation }: KeyVerdict,
  certificate: readonly Op[],
): readonly string[] {
  if (violation === null) return [`${verdict}: ${detail}`];
  const wrong: string[] = [];
  if (violation.anomaly !== anomaly) wrong.push(`wrongly named ${detail}`);
  if (!certificate.some((op) => victims.includes(op.id)))
    wrong.push(`#${victims.join()} is not in the proof: ${detail}`);
  const core = coreOf(certificate);
  if (core.length > MAX_CORE_OPERATIONS)
    wrong.push(`the certificate has ${core.length} operations in addition to the chain: ${detail}`);
  if (/undefined|NaN|Infinity/.test(violation.prose)) wrong.push(violation.prose);
  return wrong;
}

/** Lists the valid histories of this seed that the checker does not find linearizable, one line per history. */
export function falseAlarms(seed: number, count: number): readonly string[] {
  const alarms: string[] = [];
  for (let number = 0; number < count; number++) {
    const random = randomStream(seed, 'workload', `valid/${number}`);
    const ops = validHistory(number % 2 === 0 ? 'register' : 'appends', random);
    const { verdict, detail } = checkKey({ ops }, LIMITS);
    if (verdict !== 'linearizable')
      alarms.push(`valid history ${number} of seed ${seed}: ${verdict}: ${detail}`);
  }
  return alarms;
}
