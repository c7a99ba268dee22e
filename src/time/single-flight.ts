import { inOwnContext } from './own-context.js';

/**
 * Does work once for each key: the first caller does it, the others wait, and later callers get its value. A failure
 * concerns only its own caller, because others may succeed where that caller failed: each caller that waited then does
 * the work itself.
 */
export class SingleFlight<K, V> {
  readonly #flights = new Map<K, Promise<V>>();

  async run(key: K, work: () => Promise<V>): Promise<V> {
    const first = this.#flights.get(key);
    if (first !== undefined) {
      const ended = await first.then(
        (value) => ({ value }),
        () => undefined,
      );
      if (ended !== undefined) return ended.value;
    }
    // The result is kept for later callers, so it must not hold data of the first caller's request.
    const own = inOwnContext(work);
    this.#flights.set(key, own);
    try {
      return await own;
    } catch (error) {
      this.#drop(key, own);
      throw error;
    }
  }

  /** Makes the next caller do the work again, if its value was this one. */
  async forget(key: K, value: V): Promise<void> {
    const flight = this.#flights.get(key);
    if (flight === undefined) return;
    const found = await flight.catch(() => undefined);
    if (found === value) this.#drop(key, flight);
  }

  #drop(key: K, flight: Promise<V>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
