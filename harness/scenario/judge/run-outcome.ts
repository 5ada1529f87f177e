import type { Op } from '../../history/op.ts';
import type { Ending } from './ending.ts';
import { EXIT, type ExpectationResult, type RunResult, type Violation } from '../../result.ts';

/** The runner's part of the result of a run. The CLI adds where it ran and with which programs. */
export type RunOutcome = Pick<
  RunResult,
  | 'verdict' | 'exitCode' | 'sentence' | 'expectations' | 'violations' | 'counts' | 'latencyMs'
  | 'leaderGaps' | 'firstFaultMs' | 'interrupted' | 'error' | 'stalls'
> & {
  /** Every operation, in order of invocation. */
  readonly ops: readonly Op[];
  /** Text of `run.scenario.yaml`; empty if the steps never began. */
  readonly flat: string;
}; // prettier-ignore

/**
 * Exit codes of programs that a signal ended, as shells expect them: 128 + the signal's number. A stop by key counts as
 * SIGINT.
 */
const INTERRUPTED_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, stop: 130, abort: 130 } as const;

type Judgement = Pick<RunOutcome, 'verdict' | 'exitCode' | 'sentence'>;

/**
 * The gravest of error, violation, inconclusive and pass, in this order. But a proven violation is final, even if the
 * environment failed afterwards. An interrupted run keeps the exit code that shells expect, whatever its verdict.
 */
export function judgeRun(parts: {
  readonly ending: Ending | null;
  readonly expectations: readonly ExpectationResult[];
  readonly violations: readonly Violation[];
  readonly operations: number;
  readonly faults: number;
}): Judgement {
  const judgement = weigh(parts);
  const { ending } = parts;
  if (ending?.kind !== 'interrupted') return judgement;
  const how = ending.by === 'stop' || ending.by === 'abort' ? 'by hand' : `by ${ending.by}`;
  return {
    verdict: judgement.verdict,
    exitCode: INTERRUPTED_CODES[ending.by],
    sentence:
      judgement.verdict === 'violation'
        ? `${judgement.sentence} (The run was ended ${how}.)`
        : `The run was ended ${how} before its end; nothing that was checked until then is broken.`,
  };
}

function weigh({
  ending,
  expectations,
  violations,
  operations,
  faults,
}: Parameters<typeof judgeRun>[0]): Judgement {
  const [proof] = violations;
  if (proof !== undefined) {
    const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : '';
    return {
      verdict: 'violation',
      exitCode: EXIT.violation,
      sentence: sentenceOf(`${capital(proof.anomaly)}: ${proof.prose}${more}`),
    };
  }
  if (ending?.kind === 'error') {
    return {
      verdict: 'error',
      exitCode: EXIT.environment,
      sentence: sentenceOf(`The run could not be carried out: ${ending.message}`),
    };
  }
  const failed = expectations.filter(
    ({ status, group }) => status === 'fail' && group !== 'steady' && group !== 'not-vacuous',
  );
  const broken = ending?.kind === 'failed' || ending?.kind === 'violated' || ending?.kind === 'node-exit';
  if (failed.length > 0 || broken) {
    const [first] = failed;
    const what =
      ending?.kind === 'node-exit' || first === undefined
        ? (ending as { message: string }).message
        : `${first.name}: ${first.detail}`;
    return {
      verdict: 'violation',
      exitCode: EXIT.violation,
      sentence: sentenceOf(`An expectation failed: ${what}`),
    };
  }
  const doubt = expectations.find(({ status }) => status === 'unknown' || status === 'fail');
  if (ending !== null || doubt !== undefined) {
    const what =
      ending?.kind === 'inconclusive'
        ? ending.message
        : doubt === undefined
          ? 'the run was ended early'
          : `${doubt.name}: ${doubt.detail}`;
    return {
      verdict: 'inconclusive',
      exitCode: EXIT.inconclusive,
      sentence: sentenceOf(`Nothing is proven: ${what}`),
    };
  }
  const figures = `${operations} operation${operations === 1 ? '' : 's'} under ${faults} fault${faults === 1 ? '' : 's'}`;
  return {
    verdict: 'pass',
    exitCode: EXIT.pass,
    sentence: `${heldText(expectations)}, over ${figures}.`,
  };
}

function heldText(expectations: readonly ExpectationResult[]): string {
  const open = expectations.filter(({ status }) => status === 'not-judged').length;
  const held = expectations.reduce((sum, { count = 1 }) => sum + count, 0) - open;
  return open === 0
    ? `All ${held} expectations held`
    : `All ${held} expectations that were judged held (${open} ${open === 1 ? 'was' : 'were'} not judged)`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const sentenceOf = (text: string): string => (/[.!?)]$/.test(text) ? text : `${text}.`);
