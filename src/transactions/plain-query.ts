import type { BoundQuery, Uuid } from 'surrealdb';
import type { Connection } from '../session/connection.js';

/**
 * Runs a query of the pool itself with one statement, past the layers for the user's queries, and returns its result.
 */
export async function plainQuery(connection: Connection, query: BoundQuery, transaction?: Uuid): Promise<unknown> {
  let result: unknown;
  for (const chunk of await connection.transport.query(query, connection.session, transaction)) {
    if (chunk.error !== undefined) throw chunk.error;
    result = chunk.kind === 'single' ? chunk.result?.[0] : chunk.result;
  }
  return result;
}
