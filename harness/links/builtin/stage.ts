/** Maximum delay of a timer, in ms: `setTimeout` fires at once if it gets more. It is 24 days, longer than any run. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Bytes in transit, and the time at which they arrived (`performance.now()`). Latency adds its delay to this time, so
 * that the delays of several toxics add up.
 */
export interface Chunk {
  readonly data: Buffer;
  readonly at: number;
}

/** Receiver of chunks: the next toxic, or the socket at the end. */
export interface Sink {
  /**
   * If true, the writer should wait until it is told that there is room; a chunk that is written anyway is still
   * accepted.
   */
  readonly full: boolean;
  write(chunk: Chunk): void;
  end(): void;
}

/** Behaviour of a toxic on the stream of one connection. Its state, if any, exists as long as the connection. */
export interface Behaviour {
  /** Called when the toxic begins to act, and again after each change of the toxic. */
  begin?(stage: Stage): void;
  take(stage: Stage, chunk: Chunk): void;
  /** Called when the stream has ended and all its chunks were taken. By default, the stage is closed. */
  end?(stage: Stage): void;
  /** Called before the toxic is changed or removed: passes on at once everything that `take` has held back. */
  interrupt?(stage: Stage): void;
  /** Called when the stage is closed or its connection has ended: ends its own timers. */
  destroy?(): void;
  /** True if it takes chunks even if there is no room after it, because it drops them. */
  readonly drops?: true;
}

/**
 * One toxic on one stream of one connection. Chunks wait in a queue up to the toxic's capacity. The behaviour receives
 * them one by one, in order, when it is not waiting and there is room after the stage. Only the behaviour itself
 * reorders or loses chunks.
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
  /** Action that runs once the timer has fired and there is room. */
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

  /** Called when there is room after this stage again. */
  room(): void {
    this.#settle();
    this.#pump();
  }

  /** For behaviours: passes a chunk on. */
  emit(chunk: Chunk): void {
    if (!this.#closed) this.next.write(chunk);
  }

  /** For behaviours: takes no chunk until `ms` have passed and there is room; then calls `then`. */
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

  /** Begins to act; after `interrupt` it begins again from the start. */
  begin(): void {
    if (this.#closed) return;
    this.#behaviour.begin?.(this);
    this.#pump();
  }

  /** Stops, and passes on at once the chunks that were taken and held back. */
  interrupt(): void {
    this.#stopWaiting();
    this.#behaviour.interrupt?.(this);
    // If the end of the stream was held back, it is taken again.
    if (!this.#closed) this.#endTaken = false;
  }

  /** Called after `interrupt` for a stage that is removed from the chain: passes the queue on unchanged. */
  flush(): void {
    if (this.#closed) return;
    for (const chunk of this.#queue.splice(0)) this.next.write(chunk);
    if (this.#ended) this.close();
    else this.onRoom();
  }

  /** Called when the connection has ended. */
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
