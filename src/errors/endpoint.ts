import { PoolError } from './pool-error.js';

/**
 * No server is known to connect to: the look for them failed, was too late or found none, and none had succeeded before. `cause`
 * says why.
 */
export class NoEndpointError extends PoolError {
  static override readonly name: string = 'NoEndpointError';
  static override readonly code: string = 'ERR_POOL_NO_ENDPOINT';
  override readonly retryable: boolean = true;
  /** Where the pool looked: `dns://surreal.internal:8000`, `srv://_surreal._tcp.internal` or `discover://function`. */
  readonly source: string;

  constructor(message: string, details: { source: string; cause: unknown }) {
    super(message, { cause: details.cause });
    this.source = details.source;
  }
}
