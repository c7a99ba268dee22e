import { CallAbortedError, QueryTimeoutError } from '../errors/call.js';
import type { Lease } from '../pool/lease.js';
import type { Connection } from '../session/connection.js';
import { onAbort } from '../time/on-abort.js';
import type { Request } from './call.js';

/** What bounds every call of one lease. */
export interface CallLimits {
  /** How long a call may take, in milliseconds; 0 for ever. */
  readonly queryTimeout: number;
  /** Aborts the calls of the lease. */
  readonly signal?: AbortSignal | undefined;
  /** Whether this failure of a call shows that its connection is not to be lent again. */
  readonly retireOn?: ((error: unknown) => boolean) | undefined;
  /** Ends a connection whose session may still be at a call that its caller gave up. */
  sever(connection: Connection): void;
}

/** A timer of Node holds 31 bits of milliseconds; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1;

/** Runs a call within limits. One that was sent and is given up ends its connection: the server may still be at it. */
export function withinLimits<T>(
  request: Request<T>,
  work: () => Promise<T>,
  lease: Lease<Connection>,
  limits: CallLimits,
): Promise<T> {
  const connection = lease.resource;
  const queryTimeout = Math.min(limits.queryTimeout * request.timeoutFactor, longestTimer);
  const { signal } = limits;
  if (queryTimeout === 0 && signal === undefined) return connection.run(work);
  return new Promise((resolve, reject) => {
    let over = false;
    let forgetSignal: (() => void) | undefined;
    const end = (settle: () => void): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      forgetSignal?.();
      settle();
    };
    const giveUp = (error: CallAbortedError | QueryTimeoutError): void => {
      end(() => reject(error));
      request.giveUp();
      if (!request.sent) return;
      lease.markForRecycling('cut-off');
      limits.sever(connection);
    };
    const outcome = (): { outcome: 'not-sent' | 'unknown' } => ({ outcome: request.sent ? 'unknown' : 'not-sent' });
    const onTimeout = (): void =>
      giveUp(new QueryTimeoutError(`a call took longer than queryTimeout (${queryTimeout} ms)`, outcome()));
    const onSignal = (): void =>
      giveUp(new CallAbortedError('a call was aborted by its signal', { ...outcome(), cause: signal?.reason }));
    const timer = queryTimeout === 0 ? undefined : setTimeout(onTimeout, queryTimeout);
    if (signal !== undefined) forgetSignal = onAbort(signal, onSignal);
    if (over) return;
    connection.run(work).then(
      (value) => end(() => resolve(value)),
      (error) => end(() => reject(error)),
    );
  });
}
