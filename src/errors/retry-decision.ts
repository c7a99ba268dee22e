import { AcquireError, AcquireTimeoutError } from './acquire.js';
import { AgentLimitError } from './agent.js';
import { CallAbortedError, CallError, ConnectionLostError, IdentityLostError } from './call.js';
import { outcomeOf } from './outcome.js';
import { PoolError } from './pool-error.js';
import { isBusy, isConflict, isEndOfConnection, isShuttingDown } from './server-errors.js';

/**
 * What to do about a failure.
 *
 * - `elsewhere`: try again at once on another connection; nothing was sent
 * - `now`: try again at once
 * - `later`: try again after a pause
 * - `sparingly`: the same, if the retry budget allows it, since the server may be overloaded
 * - `never`: do not try again
 */
export type RetryDecision = 'elsewhere' | 'now' | 'later' | 'sparingly' | 'never';

/**
 * Whether a failed request may be repeated, by its outcome:
 *
 *     never sent                             elsewhere
 *     its session had expired                now
 *     a write conflict                       later: nothing was applied, and the next attempt is new work for the server
 *     the server has too many requests       later: nothing was executed
 *     no connection to be had                later, unless its time is over: no request was made
 *     a node that drains, or has no room     sparingly: nothing was applied
 *     outcome unknown                        sparingly, if twice does no harm (`idempotent`)
 *     its connection ended under way         the same, if it only reads
 *     refused, aborted, a mistake, a limit   never
 *
 * @param onlyReads called only when it matters, since it has to parse the text of the call
 */
export function retryDecision(
  error: unknown,
  idempotent: boolean,
  onlyReads: () => boolean = () => false,
): RetryDecision {
  if (error instanceof CallAbortedError || error instanceof AcquireTimeoutError) return 'never';
  if (error instanceof AcquireError) return error.retryable ? 'later' : 'never';
  // A limit that repeats by itself would only be a pause: the agent is told, and when to come again.
  if (error instanceof AgentLimitError) return 'never';
  if (error instanceof IdentityLostError) return 'now';
  if (error instanceof ConnectionLostError && error.outcome === 'not-sent') return 'elsewhere';
  if (isConflict(error) || isBusy(error)) return 'later';
  if (isShuttingDown(error)) return 'sparingly';
  if (error instanceof PoolError && error.retryable) return 'later';
  if (outcomeOf(error) !== 'unknown') return 'never';
  if (idempotent) return 'sparingly';
  return error instanceof ConnectionLostError && isEndOfConnection(error) && onlyReads() ? 'sparingly' : 'never';
}

/**
 * Whether an attempt failed before it sent anything. If an earlier attempt was sent, the caller gets the error of that
 * one, since it tells the outcome of the request and what is wrong with the server.
 */
export function isUnsent(error: unknown): boolean {
  return error instanceof AcquireError || (error instanceof CallError && error.outcome === 'not-sent');
}
