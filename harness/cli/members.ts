import { setTimeout as delay } from 'node:timers/promises';
import type { MembersChange, MembersRequest } from '../ports/system.ts';
import { EXIT } from '../result.ts';
import { membership } from '../systems/raft/membership.ts';
import { complain, say } from './print.ts';

export interface MembersOptions {
  readonly add: readonly string[];
  readonly promote: readonly string[];
  readonly demote: readonly string[];
  readonly remove: readonly string[];
  /** `true`: the leader chooses the node. */
  readonly transfer?: string | true;
  /** Time during which the request is repeated while no node leads or another change is under way, in ms. */
  readonly within: number;
}

/** Between two rounds over all nodes. */
const ROUND_MS = 100;
/** Maximum time that one node has for its answer, in ms; after it, the next node is asked. */
const ANSWER_WITHIN_MS = 2_000;

/**
 * `chaos members`: shows the members of a running cluster, or changes them (dissertation 4.3) or the leader (3.10). A
 * change is sent to the node at `addresses` that leads. Returns the exit code: 0 done, 1 refused or left in doubt, 2
 * bad arguments, 3 no answer.
 */
export async function members(addresses: readonly string[], options: MembersOptions): Promise<number> {
  const wrong = [
    ...addresses
      .filter((address) => !membership.isAddress(address))
      .map((address) => `${address} is no host:port`),
    ...options.add.filter((each) => joining(each) === null).map((each) => `--add ${each} is no id=host:port`),
  ];
  const changes = changesOf(options);
  if (changes.length > 0 && options.transfer !== undefined)
    wrong.push('a change of the members and --transfer are two requests: make one after the other');
  if (wrong.length > 0) {
    for (const line of wrong) complain(`chaos: ${line}`);
    return EXIT.usage;
  }
  if (options.transfer !== undefined) {
    const target = options.transfer === true ? null : options.transfer;
    return await asked(addresses, { type: 'transfer', target }, options.within);
  }
  if (changes.length > 0) return await asked(addresses, { type: 'change', changes }, options.within);
  return await shown(addresses);
}

function joining(text: string): MembersChange | null {
  const [, id, address] = /^([A-Za-z0-9._-]{1,63})=(.+)$/.exec(text) ?? [];
  return id === undefined || !membership.isAddress(address!)
    ? null
    : { type: 'add-learner', id, address: address! };
}

function changesOf({ add, promote, demote, remove }: MembersOptions): MembersChange[] {
  const named = { promote, demote, remove } as const;
  return [
    ...add.flatMap((each) => joining(each) ?? []),
    ...(['promote', 'demote', 'remove'] as const).flatMap((type) => named[type].map((id) => ({ type, id }))),
  ];
}

/** Asks one node after the other until one that leads has given a final answer. */
async function asked(
  addresses: readonly string[],
  request: MembersRequest,
  withinMs: number,
): Promise<number> {
  const until = performance.now() + withinMs;
  let last = 'no node answered';
  for (;;) {
    for (const address of addresses) {
      const answer = await membership.ask(address, request, withinMs);
      if (answer.type === 'done') {
        say(`${address}: done`);
        return EXIT.pass;
      }
      last = `${address}: ${answer.detail}`;
      if (answer.again) continue;
      complain(`chaos: ${last}`);
      return EXIT.violation;
    }
    if (performance.now() > until) {
      complain(`chaos: not done within ${withinMs} ms: ${last}`);
      return EXIT.environment;
    }
    await delay(ROUND_MS);
  }
}

/** Prints each node's description of itself. */
async function shown(addresses: readonly string[]): Promise<number> {
  const answers = await Promise.allSettled(
    addresses.map((address) => membership.describe(address, ANSWER_WITHIN_MS)),
  );
  for (const [i, answer] of answers.entries()) {
    if (answer.status === 'fulfilled') say(`${addresses[i]}  ${answer.value}`);
    else complain(`${addresses[i]}  ${(answer.reason as Error).message}`);
  }
  return answers.every(({ status }) => status === 'fulfilled') ? EXIT.pass : EXIT.environment;
}
