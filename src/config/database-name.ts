/** The two always go together: a database without a namespace aborts the process of an embedded engine. */
export interface DatabaseName {
  readonly namespace: string;
  readonly database: string;
}

/** The same for the same database, and different for different ones. */
export function databaseKey({ namespace, database }: DatabaseName): string {
  return JSON.stringify([namespace, database]);
}
