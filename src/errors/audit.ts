import { PoolError } from './pool-error.js';

/**
 * The row in the audit table of an agent session could not be written. With `audit: 'strict'` the work is undone: nothing
 * of it is applied.
 */
export class AuditError extends PoolError {
  static override readonly name: string = 'AuditError';
  static override readonly code: string = 'ERR_POOL_AUDIT';
}
