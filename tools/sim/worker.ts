import { parentPort, workerData } from 'node:worker_threads';
import type { SimParts } from '../../harness/stage/sim/server.ts';
import { simulate } from '../../harness/stage/sim/storm/simulate.ts';
import type { Simulated } from '../../harness/stage/sim/storm/simulate.ts';

/** Input of the thread. */
export interface WorkerData {
  /** URL of a module that exports `parts: SimParts`. */
  readonly parts: string;
}

/** The thread gets seeds as messages, and answers each with one of these. */
export type Answer =
  | { readonly seed: number; readonly ok: true; readonly simulated: Simulated }
  | { readonly seed: number; readonly ok: false; readonly error: string };

const { parts } = (await import((workerData as WorkerData).parts)) as { readonly parts: SimParts };

/** Called for a failed assertion of the node inside a promise of the driver. It would end a real node. */
let onUncaught: (error: unknown) => void = () => {};
process.on('unhandledRejection', (error) => onUncaught(error));

async function answerTo(seed: number): Promise<Answer> {
  const uncaught = new Promise<never>((_, reject) => {
    onUncaught = reject;
  });
  try {
    return { seed, ok: true, simulated: await Promise.race([simulate(seed, parts), uncaught]) };
  } catch (error) {
    return {
      seed,
      ok: false,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}

parentPort!.on('message', (seed: number) => {
  void answerTo(seed).then((answer) => parentPort!.postMessage(answer));
});
