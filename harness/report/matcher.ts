/**
 * A matcher for vitest: `import 'chaos/vitest'`, then `await expect(history).toBeLinearizable()`. The history is an
 * array of operations (`Op`); the options are those of `checkLinearizable`.
 */
import { expect } from 'vitest';
import { type CheckOptions, checkLinearizable } from '../checker/linearizable.ts';
import type { Op } from '../history/op.ts';
import { asciiCloseUp, CLOSE_UP_LEGEND, operationsOf } from './ascii-close-up.ts';

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    /**
     * Passes if the operations could have happened one after the other, each at a moment between its call and its
     * return. Otherwise it fails with the anomaly, its prose and the operations that show it. If the check could not
     * decide, both the matcher and its `.not` fail, because unknown is neither. Asynchronous: `await` it.
     */
    toBeLinearizable: (options?: CheckOptions) => Promise<void>;
  }
}

expect.extend({
  toBeLinearizable: async (received: unknown, options: CheckOptions = {}) => {
    const ops = expectHistory(received);
    const result = await checkLinearizable(ops, options);
    if (result.verdict === 'unknown')
      throw new Error(`it is not known whether the history is linearizable: ${result.detail}`);
    return {
      pass: result.verdict === 'linearizable',
      message: () =>
        result.verdict === 'linearizable'
          ? `expected the history not to be linearizable, but there is an order: ${result.detail}`
          : `expected the history to be linearizable, but it is not\n\n${result.violations
              .slice(0, MOST_VIOLATIONS)
              .map((violation) => {
                const { anomaly, prose } = violation;
                const closeUp = asciiCloseUp(operationsOf(violation, ops).ops, violation, WIDTH);
                return [`${anomaly}: ${prose}`, '', ...closeUp, ...CLOSE_UP_LEGEND].join('\n');
              })
              .join('\n\n')}`,
    };
  },
});

const MOST_VIOLATIONS = 3;
const WIDTH = 100;

function expectHistory(received: unknown): readonly Op[] {
  const isOp = (each: unknown): boolean =>
    typeof each === 'object' &&
    each !== null &&
    ['id', 'key', 'f', 'input', 'call', 'return', 'outcome'].every((field) => field in each);
  if (Array.isArray(received) && received.every(isOp)) return received as readonly Op[];
  const which = Array.isArray(received)
    ? `element ${received.findIndex((each) => !isOp(each))}`
    : 'the value';
  throw new TypeError(
    `toBeLinearizable judges an array of operations, but ${which} is not one; ` +
      'an operation is { id, process, key, f, input, call, return, outcome, … }, see Op in chaos/checker',
  );
}
