import type { BoundQuery, Uuid } from 'surrealdb';
import type { Connection } from '../session/connection.js';

/** A query of the pool's own with one statement: its result, past everything that concerns queries of the user. */
export async function plainQuery(connection: Connection, query: BoundQuery, transaction?: Uuid): Promise<unknown> {
  let result: unknown;
  for (const chunk of await connection.transport.query(query, connection.session, transaction)) {
    if (chunk.error !== undefined) throw chunk.error;
    result = chunk.kind === 'single' ? chunk.result?.[0] : chunk.result;
  }
  return result;
}
