import { type DatabaseName, databaseKey } from '../config/database-name.js';
import { inOwnContext } from '../time/own-context.js';

/**
 * Has each database prepared once, before anybody gets a connection there. Whoever comes while that is under way waits
 * for it; after a failure the next one who comes has it done again.
 */
export class DatabasePreparation {
  readonly #prepare: (name: DatabaseName) => Promise<void>;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #done = new Set<string>();

  constructor(prepare: (name: DatabaseName) => Promise<void>) {
    this.#prepare = prepare;
  }

  /** Undefined when the database is ready; else a promise for when it is, which rejects when it could not be prepared. */
  of({ namespace, database }: DatabaseName): Promise<void> | undefined {
    const key = databaseKey({ namespace, database });
    if (this.#done.has(key)) return undefined;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    // For all who come, and not for the first one alone.
    const work = inOwnContext(() => this.#prepare({ namespace, database }))
      .then(() => void this.#done.add(key))
      .finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, work);
    return work;
  }
}
