import { isConflict } from '../errors/server-errors.js';
import { classOf } from '../record/error-class.js';

/** The class under which an error is counted: `conflict`, or the one that it has in a recording. */
export function errorClass(error: unknown): string {
  if (isConflict(error)) return 'conflict';
  return error instanceof Error ? classOf(error) : 'unknown';
}
