import { CallAbortedError, QueryTimeoutError } from '../errors/call.js';
import type { Lease } from '../pool/lease.js';
import type { Connection } from '../session/connection.js';
import { afterReading, systemClock, type Timer } from '../time/clock.js';
import { onAbort } from '../time/on-abort.js';
import { patientTimer } from '../time/patient-timer.js';
import type { Request } from './call.js';
import type { Ledger } from './ledger.js';

/** The limits of every call of one lease. */
export interface CallLimits {
  /** How long a call may take, in milliseconds; a blocked event loop uses up a quarter of it at most. 0: for ever. */
  readonly queryTimeout: number;
  /** Aborts the calls of the lease. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the connection is to be closed after a call failed with this error. */
  readonly retireOn?: ((error: unknown) => boolean) | undefined;
  /** Admits the calls, if their caller has limits of its own. */
  readonly ledger?: Ledger | undefined;
  /** Ends a connection whose session may still be executing a call that its caller gave up. */
  readonly sever: (connection: Connection) => void;
}

/** The same limits with another signal. Written out, since limits may be of a class that computes them. */
export function limitsWith(
  { queryTimeout, retireOn, ledger, sever }: CallLimits,
  signal: AbortSignal | undefined,
): CallLimits {
  return { queryTimeout, signal, retireOn, ledger, sever };
}

/**
 * Runs a call within limits. Giving up a call that was sent ends its connection: the server may still be executing it.
 * An answer that has arrived by then wins.
 */
export function withinLimits<T>(
  request: Request<T>,
  work: () => Promise<T>,
  lease: Lease<Connection>,
  limits: CallLimits,
): Promise<T> {
  const connection = lease.resource;
  const queryTimeout = limits.queryTimeout * request.timeoutFactor;
  const { signal } = limits;
  if (queryTimeout === 0 && signal === undefined) return connection.run(work);
  return new Promise((resolve, reject) => {
    let over = false;
    let forgetSignal: (() => void) | undefined;
    const end = (settle: () => void): void => {
      if (over) return;
      over = true;
      timer?.cancel();
      forgetSignal?.();
      settle();
    };
    const giveUp = (error: CallAbortedError | QueryTimeoutError): void => {
      end(() => reject(error));
      request.giveUp();
      if (!request.sent) return;
      lease.markForRecycling(error instanceof QueryTimeoutError ? 'unanswered' : 'cut-off');
      // If other calls share the connection, it is closed after the last of them.
      if (lease.isAlone) limits.sever(connection);
    };
    const outcome = (): { outcome: 'not-sent' | 'unknown' } => ({ outcome: request.sent ? 'unknown' : 'not-sent' });
    const onTimeout = (): void =>
      giveUp(new QueryTimeoutError(`a call took longer than queryTimeout (${queryTimeout} ms)`, outcome()));
    const onSignal = (): void =>
      giveUp(new CallAbortedError('a call was aborted by its signal', { ...outcome(), cause: signal?.reason }));
    const timer = queryTimeout === 0 ? undefined : patientTimer(systemClock, queryTimeout, true, onTimeout);
    if (signal !== undefined) {
      // A call that was not sent has no answer to wait for, and must not be sent meanwhile.
      let reading: Timer | undefined;
      const forget = onAbort(signal, () => {
        if (request.sent) reading = afterReading(onSignal);
        else onSignal();
      });
      forgetSignal = () => {
        forget();
        reading?.cancel();
      };
    }
    if (over) return;
    connection.run(work).then(
      (value) => end(() => resolve(value)),
      (error) => end(() => reject(error)),
    );
  });
}
