import type { ClientResult } from '../protocol/client.ts';
import type { CoreStatus } from '../raft/ready.ts';
import type { NodeId, Term } from '../raft/types.ts';
import type { Requester } from './answers.ts';

/** Time after which a request is answered if no leader is known, in ms. */
const ANSWER_WITHIN_MS = 5_000;

interface PendingTransfer {
  readonly to: NodeId;
  /** Term of this node's leadership when the transfer began. */
  readonly term: Term;
  readonly untilMs: number;
  readonly requester: Requester;
  readonly requestId: number;
}

/** Transfers of leadership that clients requested and whose result they wait for. */
export class Transfers {
  #waiting: PendingTransfer[] = [];

  get waiting(): number {
    return this.#waiting.length;
  }

  add(to: NodeId, term: Term, nowMs: number, client: { requester: Requester; requestId: number }): void {
    this.#waiting.push({ to, term, untilMs: nowMs + ANSWER_WITHIN_MS, ...client });
  }

  /** Answers the requests that have ended according to `status`. */
  settle(status: CoreStatus, nowMs: number): void {
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter((transfer) => {
      const result = outcome(transfer, status, nowMs);
      if (result !== null) transfer.requester.answer(transfer.requestId, result);
      return result === null;
    });
  }

  endAll(result: ClientResult): void {
    for (const { requester, requestId } of this.#waiting) requester.answer(requestId, result);
    this.#waiting = [];
  }
}

/** Returns the result of a transfer; null: it is still under way. */
function outcome(
  { to, term, untilMs }: PendingTransfer,
  { role, leader, term: termNow, transferTo }: CoreStatus,
  nowMs: number,
): ClientResult | null {
  if (role === 'leader' && termNow === term) {
    return transferTo === to ? null : failed(`${to} did not become leader within an election timeout`);
  }
  if (leader === to) return { type: 'done' };
  if (leader !== null) return failed(`${leader} leads now`);
  return nowMs < untilMs ? null : failed('this node knows no leader');
}

const failed = (message: string): ClientResult => ({ type: 'error', code: 'transfer-failed', message });
