import { BoundQuery } from 'surrealdb';
import type { LeaseChannel } from '../calls/lease-channel.js';
import { messageOf } from '../errors/error-message.js';
import type { Connection } from '../session/connection.js';
import type { ConnectionIdentity } from '../session/identity.js';
import type { TransactionFaults } from '../surrealql/mended-text.js';
import { plainQuery } from './plain-query.js';

/** Writes records, reads them, and undoes all: a statement is a transaction, and one that throws applies nothing. */
const probe = `{
  DEFINE TABLE surreal_pool_probe;
  CREATE surreal_pool_probe:1 SET n = 1;
  CREATE surreal_pool_probe:2 SET n = 2;
  LET $seen = surreal_pool_probe:1.id != NONE;
  LET $sorted = (SELECT VALUE n FROM type::table('surreal_pool_probe') ORDER BY n DESC LIMIT 1) = [2];
  THROW string::concat('surreal-pool probe: own writes ', IF $seen { 'seen' } ELSE { 'unseen' },
    ', order ', IF $sorted { 'kept' } ELSE { 'lost' });
}`;

/**
 * Finds out which faults a server has within transactions. Each server version is probed once; where the user has no
 * right to probe, the version decides.
 */
export class FaultProbe {
  /** By version, since the servers of a pool may have several. */
  readonly #known = new Map<string, TransactionFaults>();
  /** Identities without the right to probe. */
  readonly #refused = new WeakSet<ConnectionIdentity>();

  /** Concurrent callers may each probe, which does no harm. */
  async faultsOf(lease: LeaseChannel): Promise<TransactionFaults> {
    const { transport, identity } = lease.connection;
    const version = await transport.version();
    const known = this.#known.get(version);
    if (known !== undefined) return known;
    if (this.#refused.has(identity)) return byVersion(version);
    const found = await lease.ask(ask);
    if (found === undefined) {
      this.#refused.add(identity);
      return byVersion(version);
    }
    this.#known.set(version, found);
    return found;
  }
}

/** Undefined when this user has no right to probe. */
async function ask(connection: Connection): Promise<TransactionFaults | undefined> {
  try {
    await plainQuery(connection, new BoundQuery(probe));
  } catch (error) {
    const [, seen, order] = /surreal-pool probe: own writes (\w+), order (\w+)/.exec(messageOf(error)) ?? [];
    if (seen !== undefined) return { hidesOwnWrites: seen === 'unseen', losesOrder: order === 'lost' };
    if (!connection.usable) throw error;
  }
  return undefined;
}

/** From servers probed before: 3.0.2 has both faults, 3.0.5 the first, 3.1.6 and 3.3.5 none. */
function byVersion(version: string): TransactionFaults {
  const [major = 0, minor = 0, patch = 0] = (/(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  const is30 = major < 3 || (major === 3 && minor === 0);
  return { hidesOwnWrites: is30, losesOrder: is30 && patch < 5 };
}
