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

/**
 * A server has another store than the other servers of its pool, which does not use it: half of the calls would not see what the
 * other half wrote. With `balancing.storeCheck: 'required'` also a server whose store cannot be compared.
 */
export class EndpointMismatchError extends PoolError {
  static override readonly name: string = 'EndpointMismatchError';
  static override readonly code: string = 'ERR_POOL_ENDPOINT_MISMATCH';
  /** The address of the server that is not used. */
  readonly endpoint: string;
  /** The address of a server with the store that the pool uses; undefined when the stores could not be compared. */
  readonly other: string | undefined;

  constructor(message: string, details: { endpoint: string; other: string | undefined }) {
    super(message);
    this.endpoint = details.endpoint;
    this.other = details.other;
  }
}
