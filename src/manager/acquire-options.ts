import type { Duration } from '../config/duration.js';
import type { IdentityOptions } from '../config/identity-options.js';

/** What one acquire asks for, and how it waits. */
export interface AcquireOptions extends IdentityOptions {
  /**
   * Aborts the acquire (`AcquireAbortedError`) and, once the connection is lent, its calls (`CallAbortedError`); the
   * `cause` is the signal's reason. A call that was cut off closes its connection, for the server may still be at it.
   */
  signal?: AbortSignal | undefined;
  /** Instead of the pool's `connectionTimeout`; 0 waits for ever. */
  timeout?: Duration | undefined;
  /** Instead of the pool's `queryTimeout`, for every call of the lease; 0 for none. */
  queryTimeout?: Duration | undefined;
}

/** How calls are repeated that failed. */
export interface CallRetryOptions {
  /**
   * Whether doing it twice is as good as once. With true, a call whose outcome is unknown is made again too; with false, only
   * what was certainly not executed is. Default: as false, but a call of the pool that only reads is also made again when its
   * connection ended under way (`retryPolicy.repeatReads`).
   */
  idempotent?: boolean | undefined;
}
