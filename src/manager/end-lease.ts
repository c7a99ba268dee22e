import { describe } from '../config/refusal.js';
import { UsageError } from '../errors/configuration.js';
import type { Lease } from '../pool/lease.js';
import type { Pool } from '../pool/pool.js';
import type { Connection } from '../session/connection.js';
import type { ConnectionIdentity } from '../session/identity.js';
import { systemClock } from '../time/clock.js';

/** The longest reason that goes into the error of the holder, in characters. */
const longestReason = 200;

/** Ends a lease that its holder keeps, for this reason. Calls under way on it fail. */
export function endLease(lease: Lease<Connection>, reason: string): void {
  const { present } = lease;
  lease.expire(reason);
  present?.endDependents(lease.ended());
}

/**
 * Ends the lease that has a connection to itself, because somebody says so who is not its holder.
 * @param why goes into the error of the holder: in one line, its first 200 characters
 * @throws UsageError for anything else than a number and a text
 * @returns whether there was such a lease
 */
export function endLeaseOf(
  pool: Pool<Connection, ConnectionIdentity>,
  connection: unknown,
  why: unknown = 'no reason was given',
): boolean {
  if (!Number.isSafeInteger(connection)) {
    throw new UsageError(
      `endLease(connection, reason): given ${describe(connection)}, allowed: the number of a connection`,
    );
  }
  if (typeof why !== 'string') {
    throw new UsageError(`endLease(connection, reason): given ${describe(why)} as the reason, allowed: a text`);
  }
  const lease = pool.leaseOf(Number(connection));
  if (lease === undefined) return false;
  const { id, since } = lease;
  const origin = lease.origin?.text;
  const reason = why.replace(/\s+/g, ' ').slice(0, longestReason);
  const where = origin === undefined || origin === '' ? '' : `; it was acquired here:\n${origin}`;
  // A call under way may never be answered: then the reset, which waits for it, would keep the connection.
  if (lease.present?.idleFor === undefined) lease.markForRecycling('aborted');
  endLease(
    lease,
    `the lease of connection ${id} was ended by an operator, not by its holder (${reason}): acquire a new one${where}`,
  );
  const held = systemClock.now() - since;
  if (pool.events.has('leaseEnded')) pool.events.emit('leaseEnded', { connection: id, held, reason, origin });
  return true;
}
