import type { StateMachine } from '../kv/state-machine.ts';
import type { ClientResult } from '../protocol/client.ts';
import type { Raft } from '../raft/raft.ts';
import type { ReadState } from '../raft/ready.ts';
import type { LogIndex } from '../raft/types.ts';
import { error, notLeader } from './answers.ts';
import type { Requester } from './answers.ts';

interface PendingRead {
  readonly key: string;
  readonly requester: Requester;
  readonly requestId: number;
}

/** Linearizable reads (dissertation 6.4), from their arrival to their answer. */
export class Reads {
  /** Reads of this turn, which share one `readIndex`. */
  #new: PendingRead[] = [];
  /** Reads that the core must confirm, by the number given to `readIndex`. */
  readonly #unconfirmed = new Map<number, readonly PendingRead[]>();
  /** Confirmed reads in order of index. They are served when this index is applied. */
  #confirmed: { readonly index: LogIndex; readonly reads: readonly PendingRead[] }[] = [];
  #rounds = 0;

  /** Number of reads that wait for an answer. */
  get waiting(): number {
    let reads = this.#new.length;
    for (const batch of this.#unconfirmed.values()) reads += batch.length;
    for (const batch of this.#confirmed) reads += batch.reads.length;
    return reads;
  }

  add(key: string, requester: Requester, requestId: number): void {
    this.#new.push({ key, requester, requestId });
  }

  /** Asks the core to confirm all reads of this turn with one quorum round. */
  ask(raft: Raft, nowMs: number): void {
    const reads = this.#new;
    if (reads.length === 0) return;
    this.#new = [];
    const round = ++this.#rounds;
    const result = raft.readIndex(round, nowMs);
    if (result.ok) this.#unconfirmed.set(round, reads);
    else answerAll(reads, notLeader(result.leader));
  }

  confirmed({ requestId: round, index }: ReadState): void {
    this.#confirmed.push({ index, reads: this.#takeRound(round) });
  }

  failed(round: number): void {
    answerAll(
      this.#takeRound(round),
      error('read-unconfirmed', 'the leadership was lost before the read was confirmed'),
    );
  }

  /** Answers all confirmed reads whose index is at most `applied`, from `stateMachine`. */
  serve(stateMachine: StateMachine, applied: LogIndex): void {
    let served = 0;
    for (; served < this.#confirmed.length; served++) {
      const { index, reads } = this.#confirmed[served]!;
      if (index > applied) break;
      for (const { key, requester, requestId } of reads) {
        requester.answer(requestId, { type: 'value', ...stateMachine.read(key) });
      }
    }
    if (served > 0) this.#confirmed = this.#confirmed.slice(served);
  }

  endAll(result: ClientResult): void {
    for (const reads of this.#unconfirmed.values()) answerAll(reads, result);
    for (const { reads } of this.#confirmed) answerAll(reads, result);
    answerAll(this.#new, result);
    this.#unconfirmed.clear();
    this.#confirmed = [];
    this.#new = [];
  }

  #takeRound(round: number): readonly PendingRead[] {
    const reads = this.#unconfirmed.get(round) ?? [];
    this.#unconfirmed.delete(round);
    return reads;
  }
}

function answerAll(reads: readonly PendingRead[], result: ClientResult): void {
  for (const { requester, requestId } of reads) requester.answer(requestId, result);
}
