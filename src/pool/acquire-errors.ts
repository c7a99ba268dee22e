import {
  AcquireAbortedError,
  type AcquireError,
  type AcquireErrorDetails,
  AcquireFailedError,
  AcquireTimeoutError,
  CircuitOpenError,
  type EndpointTrouble,
  PoolShutdownError,
  type PoolSnapshot,
  QueueFullError,
  QueueOverloadError,
} from '../errors/acquire.js';
import { messageOf } from '../errors/error-message.js';
import type { RefusalReason } from './events.js';
import type { Tenant } from './tenant.js';

/** @param capped the tenant of the caller, or one above it, that had all the connections it may have */
export function acquireTimedOut(
  timeout: number,
  details: AcquireErrorDetails,
  capped?: Tenant | undefined,
): AcquireTimeoutError {
  const obstacle = describeObstacle(details.snapshot);
  const why =
    capped === undefined
      ? obstacle
      : `${JSON.stringify(capped.name)} has its maxConnections (${capped.inUse}) in use; release one, and acquire none while you hold one; ${obstacle}`;
  return new AcquireTimeoutError(`no connection within ${timeout} ms: ${why}`, details);
}

export function acquireAborted(details: AcquireErrorDetails): AcquireAbortedError {
  return new AcquireAbortedError(`the acquire was aborted by its signal: ${messageOf(details.cause)}`, details);
}

export function acquireFailed(details: AcquireErrorDetails): AcquireFailedError {
  return new AcquireFailedError(`connections cannot be opened: ${messageOf(details.cause)}`, details);
}

/** The details of a refused acquire. */
interface AcquireRefusal {
  readonly snapshot: PoolSnapshot;
  /** In milliseconds. */
  readonly waited: number;
  readonly maxWaiters?: number;
  readonly nextProbeIn?: number;
  readonly endpoints?: readonly EndpointTrouble[];
  /** When to try again, in milliseconds. */
  readonly retryAfter?: number | undefined;
  /** The tenant of which no further caller may wait. */
  readonly full?: Tenant | undefined;
  readonly cause?: unknown;
}

export function acquireRefused(reason: RefusalReason, refusal: AcquireRefusal): AcquireError {
  const { snapshot, waited, maxWaiters = 0, nextProbeIn = 0, endpoints = [], retryAfter = 0, full, cause } = refusal;
  const details = { snapshot, waited, cause };
  switch (reason) {
    case 'shutdown':
      return new PoolShutdownError('the pool is shut down and lends no connections any more', details);
    case 'queue-full':
      return new QueueFullError(
        full === undefined
          ? `maxWaiters (${maxWaiters}) callers wait already: ${describeObstacle(snapshot)}`
          : `maxWaiting (${full.maxWaiting}) callers of ${full.name} wait already: ${describeObstacle(snapshot)}`,
        { ...details, tenant: full },
      );
    case 'overload':
      return new QueueOverloadError(
        `callers wait too long (loadShedding), try again in ${retryAfter} ms: ${describeObstacle(snapshot)}`,
        { ...details, retryAfter },
      );
    case 'circuit-open':
      return new CircuitOpenError(
        `the circuit is open, the next probe is in ${Math.ceil(nextProbeIn)} ms: ${describeTrouble(endpoints, cause)}`,
        { ...details, nextProbeIn, endpoints },
      );
  }
}

/** With several servers, what is wrong with each of them; at most three. */
function describeTrouble(endpoints: readonly EndpointTrouble[], cause: unknown): string {
  const lost = 'connections were lost';
  if (endpoints.length < 2) return cause === undefined ? lost : messageOf(cause);
  const shown = endpoints.slice(0, 3).map(({ url, lastError }) => `${url}: ${lastError ?? lost}`);
  const more = endpoints.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** Describes what blocks an acquire: a busy pool, an unreachable server, or both. */
function describeObstacle(snapshot: PoolSnapshot): string {
  const { maxConnections, idle, leased, opening, validating, resetting, closing, waiting, lastOpenError } = snapshot;
  if (snapshot.state === 'paused') return `the pool is paused and ${callers(waiting)}: resume() it`;
  const live = idle + leased + opening + validating + resetting;
  const states = [
    `${leased} of at most ${maxConnections} connections are leased`,
    ...(idle > 0 ? [`${idle} idle`] : []),
    ...(opening > 0 ? [`${opening} opening`] : []),
    ...(validating > 0 ? [`${validating} being probed`] : []),
    ...(resetting > 0 ? [`${resetting} being reset`] : []),
    ...(closing > 0 ? [`${closing} closing`] : []),
    callers(waiting),
  ].join(', ');
  if (lastOpenError !== undefined && leased < maxConnections) {
    return `no connection could be opened (${lastOpenError}); ${states}`;
  }
  if (leased >= maxConnections) {
    return `the pool is busy: ${states}; raise maxConnections, or find who holds connections for long`;
  }
  if (live < maxConnections && closing >= maxConnections) return `closing connections is stuck: ${states}`;
  return states;
}

function callers(waiting: number): string {
  return waiting === 1 ? '1 caller waits' : `${waiting} callers wait`;
}
