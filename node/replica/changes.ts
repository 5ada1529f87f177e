import { decodeConfiguration } from '../raft/configuration.ts';
import type { ChangeResult, CoreStatus } from '../raft/ready.ts';
import type { Entry, LogIndex } from '../raft/types.ts';
import { error, notLeader } from './answers.ts';
import type { Requester } from './answers.ts';
import type { ClientResult } from '../protocol/client.ts';

interface PendingChange {
  /** Index of the first entry of the change. */
  readonly index: LogIndex;
  readonly requester: Requester;
  readonly requestId: number;
}

/** Changes of the membership that clients requested and whose result they wait for. */
export class Changes {
  #waiting: PendingChange[] = [];

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Call it with the core's result of a requested change. */
  begun(result: ChangeResult, requester: Requester, requestId: number): void {
    if (result.ok) this.#waiting.push({ index: result.index, requester, requestId });
    else requester.answer(requestId, refusal(result));
  }

  /** Call it when a `config` entry is applied. If it is not joint, the changes up to it are complete. */
  applied({ index, data }: Entry): void {
    if (this.#waiting.length === 0 || decodeConfiguration(data)!.outgoing.length > 0) return;
    this.#answer((change) => change.index <= index, { type: 'done' });
  }

  /** Call it when this node does not lead any more: the result of incomplete changes depends on other nodes. */
  leadLost({ configuration, configurationIndex, commitIndex }: CoreStatus): void {
    const ended = configuration.outgoing.length === 0 && configurationIndex <= commitIndex;
    this.#answer(
      ({ index }) => !ended || configurationIndex < index,
      error(
        'leadership-lost',
        'the leadership was lost before the change was committed; it may still be committed',
      ),
    );
  }

  endAll(result: ClientResult): void {
    this.#answer(() => true, result);
  }

  #answer(which: (change: PendingChange) => boolean, result: ClientResult): void {
    const answered = this.#waiting.filter(which);
    if (answered.length === 0) return;
    this.#waiting = this.#waiting.filter((change) => !which(change));
    for (const { requester, requestId } of answered) requester.answer(requestId, result);
  }
}

function refusal(result: Extract<ChangeResult, { ok: false }>): ClientResult {
  switch (result.reason) {
    case 'not-leader':
      return notLeader(result.leader);
    case 'busy':
      return error(
        'busy',
        'this leader has not committed an entry of its own term yet, or a leadership transfer is under way',
      );
    case 'change-under-way':
      return error('change-under-way', 'another change of the members is under way');
    case 'bad-change':
      return error('change-refused', result.detail);
    default:
      return result satisfies never;
  }
}
