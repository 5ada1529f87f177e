import type { Claim } from './claims.ts';
import { ProjectCopy } from './copy.ts';
import type { Removal } from './removal.ts';
import { runTests } from './run-tests.ts';
import type { Verdict } from './run-tests.ts';

/** Test that any working cluster passes: elections, sessions, replication and reads in three processes. */
const SERVES: Claim = {
  file: 'test/node/node.test.ts',
  name: 'answer a burst of requests on one connection, in any order, each by its number',
};

export interface Tried {
  readonly removal: Removal;
  /** One verdict per claim, in their order. */
  readonly verdicts: readonly Verdict[];
  /** Reason why this run does not show the feature; null: a test fails because the feature is missing. */
  readonly problem: string | null;
}

/** Runs the tests of the feature on a node without it. */
export async function tryRemoval(removal: Removal, claims: readonly Claim[]): Promise<Tried> {
  await using copy = await ProjectCopy.make(removal.edits);
  const serves = removal.servesNoClients ? [] : [SERVES];
  const all = await runTests(copy.folder, [...claims, ...serves]);
  const verdicts = all.slice(0, claims.length);
  return { removal, verdicts, problem: problemOf(verdicts, all.slice(claims.length)) };
}

function problemOf(verdicts: readonly Verdict[], serves: readonly Verdict[]): string | null {
  if (verdicts.some(({ outcome }) => outcome === 'missing'))
    return `a test did not run: ${verdicts.find(({ outcome }) => outcome === 'missing')!.why}`;
  if (!verdicts.some(({ outcome }) => outcome === 'failed')) return 'no test failed without it';
  const broken = serves.find(({ outcome }) => outcome !== 'passed');
  // On a node that does not work at all every test fails, so a failed test shows nothing there.
  return broken === undefined ? null : `such a node serves no clients: ${broken.why}`;
}

/** Runs the named tests on the unchanged node. */
export async function tryAsItIs(claims: readonly Claim[]): Promise<readonly Verdict[]> {
  await using copy = await ProjectCopy.make([]);
  return await runTests(copy.folder, claims);
}
