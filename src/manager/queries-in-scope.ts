import type { SurrealQueryable } from 'surrealdb';

/** The methods of a queryable that build a query, or an object that builds queries. */
const makers = [
  ...(['query', 'select', 'create', 'insert', 'relate', 'update', 'upsert', 'delete', 'run', 'auth', 'api'] as const),
  ...(['live', 'liveOf'] as const),
];

type Make = (...parameters: unknown[]) => unknown;

/**
 * Makes the queries of a pool belong to the scope in which they are built, if any. A query is sent when it is awaited,
 * which may be elsewhere, so the scope is read when the query is built.
 *
 * The methods are put on the pool itself at the first use of a scope: a pool without scopes keeps those of its class.
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
