import { setTimeout as delay } from 'node:timers/promises';
import { isAddress } from '../../node/protocol/address.ts';
import { ERRORS } from '../../node/protocol/client.ts';
import type { ClientOperation, ClientResult, MembersChange, NodeStatus } from '../../node/protocol/client.ts';
import { EXIT } from '../result.ts';
import { TcpWire } from '../systems/raft/wire.ts';

export interface MembersOptions {
  readonly add: readonly string[];
  readonly promote: readonly string[];
  readonly demote: readonly string[];
  readonly remove: readonly string[];
  /** `true`: to whom the leader chooses. */
  readonly transfer?: string | true;
  /** For how long it is asked again while nobody leads, or another change is under way, ms. */
  readonly within: number;
}

/** Between two rounds over all nodes. */
const ROUND_MS = 100;
/** A node that does not answer so long is passed over. */
const ANSWER_WITHIN_MS = 2_000;

/**
 * `chaos members`: who is in a running cluster; or a change of it (dissertation 4.3), or of its leader (3.10), asked of
 * whichever of the nodes at `addresses` leads. Returns the exit code: 0 done, 1 refused or left in doubt, 2 bad
 * arguments, 3 nobody answered.
 */
export async function members(addresses: readonly string[], options: MembersOptions): Promise<number> {
  const wrong = [
    ...addresses.filter((address) => !isAddress(address)).map((address) => `${address} is no host:port`),
    ...options.add.filter((each) => joining(each) === null).map((each) => `--add ${each} is no id=host:port`),
  ];
  const changes = changesOf(options);
  if (changes.length > 0 && options.transfer !== undefined)
    wrong.push('a change of the members and --transfer are two requests: make one after the other');
  if (wrong.length > 0) {
    for (const line of wrong) console.error(`chaos: ${line}`);
    return EXIT.usage;
  }
  if (options.transfer !== undefined) {
    const target = options.transfer === true ? null : options.transfer;
    return await asked(addresses, { type: 'transfer-leadership', target }, options.within);
  }
  if (changes.length > 0) return await asked(addresses, { type: 'change-members', changes }, options.within);
  return await shown(addresses);
}

function joining(text: string): MembersChange | null {
  const [, id, address] = /^([A-Za-z0-9._-]{1,63})=(.+)$/.exec(text) ?? [];
  return id === undefined || !isAddress(address!) ? null : { type: 'add-learner', id, address: address! };
}

function changesOf({ add, promote, demote, remove }: MembersOptions): MembersChange[] {
  const named = { promote, demote, remove } as const;
  return [
    ...add.flatMap((each) => joining(each) ?? []),
    ...(['promote', 'demote', 'remove'] as const).flatMap((type) => named[type].map((id) => ({ type, id }))),
  ];
}

/** Asks one node after the other until one that leads has answered for good. */
async function asked(
  addresses: readonly string[],
  operation: ClientOperation,
  withinMs: number,
): Promise<number> {
  const until = performance.now() + withinMs;
  let last = 'nobody answered';
  for (;;) {
    for (const address of addresses) {
      const result = await answerOf(address, operation, withinMs);
      if (typeof result === 'string') {
        last = `${address}: ${result}`;
        continue;
      }
      if (result.type !== 'error') {
        console.log(`${address}: done`);
        return EXIT.pass;
      }
      last = `${address}: ${result.code}: ${result.message}`;
      if (ERRORS[result.code].definite && ERRORS[result.code].retry) continue;
      console.error(`chaos: ${last}`);
      return EXIT.violation;
    }
    if (performance.now() > until) {
      console.error(`chaos: not done within ${withinMs} ms: ${last}`);
      return EXIT.environment;
    }
    await delay(ROUND_MS);
  }
}

/** What each node says of itself. */
async function shown(addresses: readonly string[]): Promise<number> {
  const answers = await Promise.all(
    addresses.map((address) => answerOf(address, { type: 'status' }, ANSWER_WITHIN_MS)),
  );
  let silent = 0;
  for (const [i, answer] of answers.entries()) {
    if (typeof answer !== 'string' && answer.type === 'status') {
      console.log(`${addresses[i]}  ${describe(JSON.parse(answer.status) as NodeStatus)}`);
      continue;
    }
    silent++;
    console.error(`${addresses[i]}  ${typeof answer === 'string' ? answer : JSON.stringify(answer)}`);
  }
  return silent === 0 ? EXIT.pass : EXIT.environment;
}

function describe({ id, role, term, leader, commit, applied, lastIndex, members: who }: NodeStatus): string {
  const parts = [
    `${id} ${role} term ${term} leader ${leader ?? 'unknown'}`,
    `commit ${commit} applied ${applied} last ${lastIndex}`,
    `voters ${who.voters.join(' ')}`,
    ...(who.outgoing.length === 0 ? [] : [`outgoing ${who.outgoing.join(' ')}`]),
    ...(who.learners.length === 0 ? [] : [`learners ${who.learners.join(' ')}`]),
    ...(who.committed ? [] : ['not committed yet']),
  ];
  return parts.join('; ');
}

/** The answer, or why there is none. */
async function answerOf(
  address: string,
  operation: ClientOperation,
  withinMs: number,
): Promise<ClientResult | string> {
  const wire = new TcpWire(address);
  const end = new AbortController();
  try {
    return await Promise.race([
      new Promise<ClientResult | string>((resolve) => {
        wire.ask(operation, (came) => {
          if (came.type === 'answer') resolve(came.result);
          else resolve(came.type === 'lost' ? 'the connection broke before an answer' : came.error);
        });
      }),
      delay(withinMs, `no answer within ${withinMs} ms`, { signal: end.signal }),
    ]);
  } finally {
    end.abort();
    wire.close();
  }
}
