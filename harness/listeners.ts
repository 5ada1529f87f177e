/** The listeners of one stream of events, in the order in which they subscribed. */
export class Listeners<E> {
  readonly #listeners = new Set<(event: E) => void>();

  /** Returns a function that ends the subscription. */
  readonly subscribe = (listener: (event: E) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly emit = (event: E): void => {
    for (const listener of this.#listeners) listener(event);
  };
}
