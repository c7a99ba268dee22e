import type { SurrealQueryable } from 'surrealdb';
import { UsageError } from '../errors/configuration.js';

/**
 * Makes a promise of a pool throw UsageError when it is used as the pool, as in `pool.query(…)` after a missing
 * `await`. Otherwise it stays the same promise.
 *
 * @param prototype the prototype of the pool
 */
export function awaited<Pool extends SurrealQueryable>(promise: Promise<Pool>, prototype: object): Promise<Pool> {
  for (const name of methodsOf(prototype)) {
    // Skip the members of promises and of all objects.
    if (name in promise) continue;
    Object.defineProperty(promise, name, {
      get: () => {
        throw new UsageError(
          `this is the promise of a pool, which has no ${name}: write \`const pool = await createPool(…)\``,
        );
      },
      configurable: true,
    });
  }
  return promise;
}

/** The methods of a class and of those it extends. */
function methodsOf(prototype: object): Set<string> {
  const names = new Set<string>();
  for (let owner: object | null = prototype; owner !== null; owner = Object.getPrototypeOf(owner)) {
    for (const name of Object.getOwnPropertyNames(owner)) names.add(name);
  }
  return names;
}
