import { AcquireError, AcquireTimeoutError } from './acquire.js';
import { CallAbortedError, ConnectionLostError, IdentityLostError } from './call.js';
import { outcomeOf } from './outcome.js';
import { PoolError } from './pool-error.js';
import { isBusy, isConflict, isDraining } from './server-errors.js';

/** What to do about a failure: try again at once, after a pause, or not at all. */
export type RetryDecision = 'now' | 'later' | 'never';

/**
 * Whether a failed request may be made again, by what is known of it:
 *
 *     never sent, or its session was over    at once, on another connection
 *     a write conflict, a node that drains   after a pause: nothing was applied
 *     too much under way on the server       after a pause: nothing was executed
 *     no connection to be had                after a pause, unless its time is over
 *     outcome unknown                        after a pause, if twice is as good as once (`idempotent`)
 *     refused, aborted, a mistake            never
 */
export function retryDecision(error: unknown, idempotent: boolean): RetryDecision {
  if (error instanceof CallAbortedError || error instanceof AcquireTimeoutError) return 'never';
  if (error instanceof AcquireError) return error.retryable ? 'later' : 'never';
  if (error instanceof IdentityLostError) return 'now';
  if (error instanceof ConnectionLostError && error.outcome === 'not-sent') return 'now';
  if (isConflict(error) || isDraining(error) || isBusy(error)) return 'later';
  if (error instanceof PoolError && error.retryable) return 'later';
  return idempotent && outcomeOf(error) === 'unknown' ? 'later' : 'never';
}
