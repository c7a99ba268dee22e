import { type DatabaseName, databaseKey } from '../config/database-name.js';
import { inOwnContext } from '../time/own-context.js';

/**
 * Prepares each database once, before a caller gets a connection there. Callers that come meanwhile wait for it; after
 * a failure the next caller starts it again.
 */
export class DatabasePreparation {
  readonly #prepare: (name: DatabaseName) => Promise<void>;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #done = new Set<string>();

  constructor(prepare: (name: DatabaseName) => Promise<void>) {
    this.#prepare = prepare;
  }

  /**
   * Undefined when the database is ready; else a promise that resolves when it is, and rejects when it could not be
   * prepared.
   */
  of({ namespace, database }: DatabaseName): Promise<void> | undefined {
    const key = databaseKey({ namespace, database });
    if (this.#done.has(key)) return undefined;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    // In its own context: it is done for all callers, not for the first alone.
    const work = inOwnContext(() => this.#prepare({ namespace, database }))
      .then(() => void this.#done.add(key))
      .finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, work);
    return work;
  }
}
