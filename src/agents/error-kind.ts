import { ServerError } from 'surrealdb';
import { PoolError } from '../errors/pool-error.js';

/**
 * The kind of an error, for logs and rows that are kept: the code of an error of the pool, the kind of one of the
 * server, the name of others. No message, since that may hold what was stored.
 */
export function errorKind(error: unknown): string {
  if (error instanceof PoolError) return error.code;
  if (error instanceof ServerError) return error.kind;
  return error instanceof Error ? error.name : typeof error;
}
