/** Time after which the caller's event loop gets a turn, in ms. */
const TURN_AFTER_MS = 16;
/** Gives the caller's event loop a turn if the last one was too long ago. */
export class Turns {
  #last = performance.now();

  async give(): Promise<void> {
    if (performance.now() < this.#last + TURN_AFTER_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#last = performance.now();
  }
}
