import type { Claim } from './claims.ts';
import { ProjectCopy } from './copy.ts';
import type { Removal } from './removal.ts';
import { runTests } from './run-tests.ts';
import type { Verdict } from './run-tests.ts';

/** What any working cluster passes: elections, sessions, replication, reads, in three processes. */
const SERVES: Claim = {
  file: 'test/node/node.test.ts',
  name: 'answer requests out of order by number, a whole burst in one connection',
};

export interface Tried {
  readonly removal: Removal;
  /** In the order of the claims. */
  readonly verdicts: readonly Verdict[];
  /** Why this shows nothing, or null: some test fails for the reason it is there for. */
  readonly problem: string | null;
}

/** Runs the tests that are to miss the feature on a node without it. */
export async function tryRemoval(removal: Removal, claims: readonly Claim[]): Promise<Tried> {
  await using copy = await ProjectCopy.make(removal.edits);
  const serves = removal.servesNobody ? [] : [SERVES];
  const all = await runTests(copy.folder, [...claims, ...serves]);
  const verdicts = all.slice(0, claims.length);
  return { removal, verdicts, problem: problemOf(verdicts, all.slice(claims.length)) };
}

function problemOf(verdicts: readonly Verdict[], serves: readonly Verdict[]): string | null {
  if (verdicts.some(({ outcome }) => outcome === 'missing'))
    return `a test did not run: ${verdicts.find(({ outcome }) => outcome === 'missing')!.why}`;
  if (!verdicts.some(({ outcome }) => outcome === 'failed')) return 'nobody missed it';
  const broken = serves.find(({ outcome }) => outcome !== 'passed');
  // The tests would fail with any node that does not work, so that they do says nothing.
  return broken === undefined ? null : `such a node serves nobody: ${broken.why}`;
}

/** The named tests on the node as it is. */
export async function tryAsItIs(claims: readonly Claim[]): Promise<readonly Verdict[]> {
  await using copy = await ProjectCopy.make([]);
  return await runTests(copy.folder, claims);
}
