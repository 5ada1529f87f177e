/** The longest that a timer can; to `setTimeout` more than this means at once. It is 24 days, longer than any run. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Bytes on their way, and when they came in (`performance.now()`); latency moves that forward, so that delays add up.
 */
export interface Chunk {
  readonly data: Buffer;
  readonly at: number;
}

/** Where chunks go: the next toxic, or the socket at the end. */
export interface Sink {
  /**
   * False: the writer should wait until it is told that there is room; a chunk that is written anyway is still
   * accepted.
   */
  readonly full: boolean;
  write(chunk: Chunk): void;
  end(): void;
}

/** Behaviour of a toxic on the stream of one connection. Its state, if any, lives as long as the connection. */
export interface Behaviour {
  /** The toxic begins to act, and again after each change of it. */
  begin?(stage: Stage): void;
  take(stage: Stage, chunk: Chunk): void;
  /** The stream has ended, and everything before it was taken. Default: closes the stage. */
  end?(stage: Stage): void;
  /** Called before the toxic is changed or removed: passes on at once everything that `take` holds back. */
  interrupt?(stage: Stage): void;
  /** The stage is closed, or its connection is gone: ends timers of its own. */
  destroy?(): void;
  /** True if it takes chunks even without room after it, because it drops them. */
  readonly drops?: true;
}

/**
 * One toxic on one stream of one connection. Chunks wait in a queue up to the toxic's capacity; the behaviour gets them
 * one by one, in order, when it is not waiting and there is room after it. Only the behaviour itself reorders or loses
 * chunks.
 */
export class Stage implements Sink {
  next: Sink;
  /** Tells the writer of this stage that there is room again. */
  onRoom: () => void = () => {};
  readonly #behaviour: Behaviour;
  readonly #capacity: number;
  #queue: Chunk[] = [];
  #ended = false;
  #endTaken = false;
  #closed = false;
  #timer: NodeJS.Timeout | null = null;
  /** Action for the time after the timer has fired and there is room. */
  #then: (() => void) | null = null;

  constructor(behaviour: Behaviour, capacity: number, next: Sink) {
    this.#behaviour = behaviour;
    this.#capacity = capacity;
    this.next = next;
  }

  get full(): boolean {
    return !this.#closed && this.#queue.length >= this.#capacity;
  }

  get closed(): boolean {
    return this.#closed;
  }

  write(chunk: Chunk): void {
    if (this.#closed) return;
    this.#queue.push(chunk);
    this.#pump();
  }

  end(): void {
    this.#ended = true;
    this.#pump();
  }

  /** True if there is room after this stage. */
  room(): void {
    this.#settle();
    this.#pump();
  }

  /** For behaviours: hands a chunk on. */
  emit(chunk: Chunk): void {
    if (!this.#closed) this.next.write(chunk);
  }

  /** For behaviours: takes no chunk until `ms` have passed and there is room; then does `then`. */
  wait(ms: number, then: () => void): void {
    this.#then = then;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#settle();
        this.#pump();
      },
      Math.min(ms, MAX_TIMER_MS),
    );
  }

  /** Ends the stream here: the later stages end, and later bytes are dropped. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#stopWaiting();
    this.#behaviour.destroy?.();
    this.next.end();
    this.onRoom();
  }

  /** Begins to act; after `interrupt`, begins afresh. */
  begin(): void {
    if (this.#closed) return;
    this.#behaviour.begin?.(this);
    this.#pump();
  }

  /** Stops, and passes on at once the chunks that were taken and held back. */
  interrupt(): void {
    this.#stopWaiting();
    this.#behaviour.interrupt?.(this);
    // An end that was held back is taken again.
    if (!this.#closed) this.#endTaken = false;
  }

  /** Called after `interrupt` for a stage that leaves the chain: the queue passes on unchanged. */
  flush(): void {
    if (this.#closed) return;
    for (const chunk of this.#queue.splice(0)) this.next.write(chunk);
    if (this.#ended) this.close();
    else this.onRoom();
  }

  /** The connection is gone. */
  destroy(): void {
    this.#closed = true;
    this.#queue = [];
    this.#stopWaiting();
    this.#behaviour.destroy?.();
  }

  #pump(): void {
    const wasFull = this.full;
    while (this.#then === null && !this.#closed && (this.#behaviour.drops === true || !this.next.full)) {
      const chunk = this.#queue.shift();
      if (chunk !== undefined) this.#behaviour.take(this, chunk);
      else if (this.#ended && !this.#endTaken) {
        this.#endTaken = true;
        if (this.#behaviour.end === undefined) this.close();
        else this.#behaviour.end(this);
      } else break;
    }
    if (wasFull && !this.full) this.onRoom();
  }

  #settle(): void {
    if (this.#timer !== null || this.#then === null || (this.next.full && this.#behaviour.drops !== true))
      return;
    const then = this.#then;
    this.#then = null;
    then();
  }

  #stopWaiting(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#then = null;
  }
}
