import type { Duration } from '../config/duration.js';
import type { IdentityOptions } from '../config/identity-options.js';

/** Options of one acquire: the identity it needs, and how long it waits. */
export interface AcquireOptions extends IdentityOptions {
  /**
   * Aborts the acquire (`AcquireAbortedError`) and, once the connection is lent, its calls (`CallAbortedError`); the
   * `cause` is the signal's reason. Aborting a call closes its connection, since the server may still be executing it.
   */
  signal?: AbortSignal | undefined;
  /** Instead of the pool's `connectionTimeout`; 0 waits for ever. */
  timeout?: Duration | undefined;
  /** Instead of the pool's `queryTimeout`, for every call of the lease; 0 for none. */
  queryTimeout?: Duration | undefined;
}

/** How failed calls are repeated. */
export interface CallRetryOptions {
  /**
   * Whether executing it twice does no harm. True: a call whose outcome is unknown is repeated too. False: only a call
   * that was certainly not executed is. Default: as false, but a call of the pool that only reads is also repeated when
   * its connection was lost under way (`retryPolicy.repeatReads`).
   */
  idempotent?: boolean | undefined;
}
