import { ParkableLease, type ParkingRules } from '../calls/parkable-lease.js';
import { parseDuration } from '../config/duration.js';
import type { ResolvedPoolConfig } from '../config/pool-options.js';
import type { Lease } from '../pool/lease.js';
import type { Origin } from '../pool/origin.js';
import type { Connection } from '../session/connection.js';
import type { ConnectionIdentity } from '../session/identity.js';
import { systemClock } from '../time/clock.js';
import { onAbort } from '../time/on-abort.js';
import type { AcquireOptions } from './acquire-options.js';
import type { Parts } from './assembly.js';
import type { Lend } from './borrowing.js';

/** When a lease with `whileIdle: 'release'` is idle, in milliseconds, if neither it nor the pool says. */
const usualIdleAfter = 1_000;

/**
 * What a lease does by itself; undefined when its acquire asked for nothing of the kind.
 * @throws ConfigurationError when a duration is not valid
 */
export function parkingRules(
  { maxHold, whileIdle, idleAfter }: AcquireOptions,
  { idleLeaseThreshold }: Pick<ResolvedPoolConfig, 'idleLeaseThreshold'>,
): ParkingRules | undefined {
  if (maxHold === undefined && whileIdle === undefined && idleAfter === undefined) return undefined;
  const releases = whileIdle === 'release';
  const ownIdleAfter = idleAfter === undefined ? undefined : parseDuration(idleAfter);
  const longest = maxHold === undefined ? 0 : parseDuration(maxHold);
  // Without its own `idleAfter` a lease that only reports leaves that to the pool.
  if (longest === 0 && !releases && ownIdleAfter === undefined) return undefined;
  return {
    maxHold: longest,
    idleAfter: releases ? (ownIdleAfter ?? (idleLeaseThreshold || usualIdleAfter)) : ownIdleAfter || undefined,
    releases,
    reports: (ownIdleAfter ?? idleLeaseThreshold) > 0,
  };
}

/** An acquire, to be made again. */
export interface RepeatedAcquire {
  readonly asked: AcquireOptions;
  /** Undefined for the pool's own. */
  readonly identity: ConnectionIdentity | undefined;
  /** The stack of its caller, if recorded. */
  readonly origin: Origin | undefined;
}

/** A lease that follows these rules. */
export function parkable(
  lease: Lease<Connection>,
  rules: ParkingRules,
  { asked, identity, origin }: RepeatedAcquire,
  { factory, pool }: Parts,
  lend: Lend,
): ParkableLease {
  const { events } = pool;
  return new ParkableLease(lease, origin, {
    clock: systemClock,
    rules,
    take: (over, again) =>
      untilEither(over, asked.signal, (signal) =>
        lend.lease({ ...asked, signal }, identity && factory.identities.current(identity), { origin: again }),
      ),
    onIdle: (event) => {
      if (events.has('leaseIdle')) events.emit('leaseIdle', event);
    },
    onExpired: (event) => {
      if (events.has('leaseExpired')) events.emit('leaseExpired', event);
    },
  });
}

/** Works until one of two signals aborts. `AbortSignal.any` would leave a trace of each call on a long-lived signal. */
async function untilEither<T>(
  over: AbortSignal,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal === undefined) return await work(over);
  const either = new AbortController();
  const forget = [over, signal].map((one) => onAbort(one, () => either.abort(one.reason)));
  try {
    return await work(either.signal);
  } finally {
    for (const end of forget) end();
  }
}
