import { ServerError } from 'surrealdb';
import { PoolError } from '../errors/pool-error.js';
import { isConflict } from '../errors/server-errors.js';

/** The class under which an error is counted: `conflict`, the code of a pool error, or the SDK's kind or name. */
export function errorClass(error: unknown): string {
  if (isConflict(error)) return 'conflict';
  if (error instanceof PoolError) return error.code;
  if (error instanceof ServerError) return error.kind;
  return error instanceof Error ? error.name : 'unknown';
}
