import type { SurrealQueryable } from 'surrealdb';

/** The methods of a queryable that make a query, or an object that makes them. */
const makers = [
  ...(['query', 'select', 'create', 'insert', 'relate', 'update', 'upsert', 'delete', 'run', 'auth', 'api'] as const),
  ...(['live', 'liveOf'] as const),
];

type Make = (...parameters: unknown[]) => unknown;

/**
 * Has the queries of a pool made by the scope that the code runs in, when there is one. A query is sent when it is awaited,
 * which may be elsewhere, so that only the code that makes it can tell where it belongs.
 *
 * The methods are put on the object itself, at its first use of a scope: a pool without scopes keeps those of its class.
 */
export function makeQueriesIn(pool: SurrealQueryable, current: () => SurrealQueryable | undefined): void {
  for (const name of makers) {
    const make = Reflect.get(pool, name) as Make;
    Object.defineProperty(pool, name, {
      value: (...parameters: unknown[]): unknown => make.apply(current() ?? pool, parameters),
      configurable: true,
      writable: true,
    });
  }
}
