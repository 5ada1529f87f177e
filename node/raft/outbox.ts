import { isFromLeader } from './message.ts';
import type { Message } from './message.ts';
import type { SnapshotMeta } from './configuration.ts';
import type { CoreEvent, ReadState } from './ready.ts';
import type { Entry, LogIndex } from './types.ts';

/** Output since the last Ready. Arrays that were handed out are replaced by new ones, never shared. */
export class Outbox {
  /** True if the term or the vote has changed. */
  hardStateChanged = false;
  /** Snapshot that has replaced the log; null: none. */
  snapshot: SnapshotMeta | null = null;
  messages: Message[] = [];
  messagesAfterPersist: Message[] = [];
  reads: ReadState[] = [];
  failedReads: number[] = [];
  events: CoreEvent[] = [];
  /** Entries of the last event, if it is a `Replicate` to which more entries may be added. */
  #growing: Entry[] | null = null;

  get isEmpty(): boolean {
    return (
      !this.hardStateChanged &&
      this.snapshot === null &&
      this.messages.length === 0 &&
      this.messagesAfterPersist.length === 0 &&
      this.reads.length === 0 &&
      this.failedReads.length === 0 &&
      this.events.length === 0
    );
  }

  event(event: CoreEvent): void {
    this.events.push(event);
    this.#growing = null;
  }

  /** Reports that an entry was put into the log. Consecutive entries of one Ready become one event. */
  replicated(entry: Entry, truncatedFrom: LogIndex | null): void {
    if (truncatedFrom === null && this.#growing !== null) {
      this.#growing.push(entry);
      return;
    }
    const entries = [entry];
    this.event({ type: 'Replicate', entries, truncatedFrom });
    this.#growing = entries;
  }

  /** Removes the unsent messages of a leader that must not lead any more. */
  dropLeaderMessages(): void {
    this.messages = this.messages.filter((m) => !isFromLeader(m));
  }

  /** Empties the outbox, and returns its content as fields of a Ready. */
  take(): Pick<
    Outbox,
    'snapshot' | 'messages' | 'messagesAfterPersist' | 'reads' | 'failedReads' | 'events'
  > {
    const { snapshot, messages, messagesAfterPersist, reads, failedReads, events } = this;
    this.hardStateChanged = false;
    this.snapshot = null;
    this.messages = [];
    this.messagesAfterPersist = [];
    this.reads = [];
    this.failedReads = [];
    this.events = [];
    this.#growing = null;
    return { snapshot, messages, messagesAfterPersist, reads, failedReads, events };
  }
}
