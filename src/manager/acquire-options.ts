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
  /**
   * How long the lease may hold a connection, in all. Then it ends by itself, as if released: further calls fail with
   * `LeaseReleasedError`, an open transaction is rolled back, and a call under way has the pool's `resetTimeout` to get
   * its answer. Time without a connection does not count. Default: 0, no limit.
   */
  maxHold?: Duration | undefined;
  /**
   * What happens to the lease when nothing was asked of it for `idleAfter`. `report` (default): the event `leaseIdle`.
   * `release`: it gives its connection back, and its next call takes one again, as this acquire did: that call waits for
   * it, and may fail with every `AcquireError`. It keeps its connection while a transaction is open, a live query, an
   * export or a call is under way, or its session is changed (variables, database, user).
   */
  whileIdle?: 'report' | 'release' | undefined;
  /**
   * After how long without a call the lease is idle. Default: the pool's `idleLeaseThreshold`; if that is off, with
   * `whileIdle: 'release'` one second, else never. 0 with `release`: after each call; 0 with `report`: never.
   */
  idleAfter?: Duration | undefined;
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
