import { ServerError } from 'surrealdb';
import { PoolError } from '../errors/pool-error.js';

/** A name that a class of errors has; a program may set the name of an error to anything. */
const nameOfClass = /^[A-Z][A-Za-z]{0,60}(?:Error|Exception)$/;

/** The class of an error, for a file that must hold no text of a caller. */
export function classOf(error: unknown): string {
  if (error instanceof PoolError) return error.code;
  if (error instanceof ServerError) return /^\w{1,60}$/.test(error.kind) ? error.kind : 'ServerError';
  return error instanceof Error && nameOfClass.test(error.name) ? error.name : 'Error';
}
