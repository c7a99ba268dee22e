import { inOwnContext } from './own-context.js';

/**
 * Does a piece of work once for each key: the first caller does it, the others wait, and later callers are given its value.
 * A failure is only its own caller's, because others may be able to do what that caller could not: each caller that waited
 * for a failure does the work by itself.
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
    // Kept for later callers: it must not keep what belongs to the first one's request.
    const own = inOwnContext(work);
    this.#flights.set(key, own);
    try {
      return await own;
    } catch (error) {
      this.#drop(key, own);
      throw error;
    }
  }

  /** Has the work done again by the next caller, if it gave this value. */
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
