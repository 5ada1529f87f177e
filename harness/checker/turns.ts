/** The caller's event loop gets a turn after this long. */
const TURN_AFTER_MS = 16;
/** Lets the caller's event loop have a turn when the last one is a while ago. */
export class Turns {
  #last = performance.now();

  async give(): Promise<void> {
    if (performance.now() < this.#last + TURN_AFTER_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#last = performance.now();
  }
}
