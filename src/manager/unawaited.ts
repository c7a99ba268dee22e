import type { SurrealQueryable } from 'surrealdb';
import { UsageError } from '../errors/configuration.js';

/**
 * Has a promise of a pool say so when it is used as the pool, as it is where an `await` is missing: `pool.query(…)` on it
 * throws UsageError. In everything else it is the promise it was.
 *
 * @param prototype of the pool
 */
export function awaited<Pool extends SurrealQueryable>(promise: Promise<Pool>, prototype: object): Promise<Pool> {
  for (const name of methodsOf(prototype)) {
    // Not what promises, and all objects, have themselves.
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

/** Those of a class and of all it extends. */
function methodsOf(prototype: object): Set<string> {
  const names = new Set<string>();
  for (let owner: object | null = prototype; owner !== null; owner = Object.getPrototypeOf(owner)) {
    for (const name of Object.getOwnPropertyNames(owner)) names.add(name);
  }
  return names;
}
