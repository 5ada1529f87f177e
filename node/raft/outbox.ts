import { isFromLeader } from './message.ts';
import type { Message } from './message.ts';
import type { SnapshotMeta } from './configuration.ts';
import type { CoreEvent, ReadState } from './ready.ts';
import type { Entry, LogIndex } from './types.ts';

/** Output that has gathered since the last Ready. Arrays are handed out and replaced, never shared. */
export class Outbox {
  /** Term or vote changed. */
  hardStateChanged = false;
  /** The log was replaced by it. */
  snapshot: SnapshotMeta | null = null;
  messages: Message[] = [];
  messagesAfterPersist: Message[] = [];
  reads: ReadState[] = [];
  failedReads: number[] = [];
  events: CoreEvent[] = [];
  /** The entries of the last event, if that is a Replicate that more may be added to. */
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

  /** Entries put into the log. Follow-ups within one Ready become one event. */
  replicated(entry: Entry, truncatedFrom: LogIndex | null): void {
    if (truncatedFrom === null && this.#growing !== null) {
      this.#growing.push(entry);
      return;
    }
    const entries = [entry];
    this.event({ type: 'Replicate', entries, truncatedFrom });
    this.#growing = entries;
  }

  /** A leader that must not lead any more takes back its unsent messages. */
  dropLeaderMessages(): void {
    this.messages = this.messages.filter((m) => !isFromLeader(m));
  }

  /** Empties the outbox into a Ready's shape. */
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
