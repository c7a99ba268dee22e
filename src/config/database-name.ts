/** Namespace and database, always together: a database without a namespace aborts the process of an embedded engine. */
export interface DatabaseName {
  readonly namespace: string;
  readonly database: string;
}

/** A unique key for each database. */
export function databaseKey({ namespace, database }: DatabaseName): string {
  return JSON.stringify([namespace, database]);
}
