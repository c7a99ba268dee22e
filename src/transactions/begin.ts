import { BoundQuery, Features, type RecordId, UnsupportedFeatureError, type Uuid } from 'surrealdb';
import type { LeaseChannel } from '../calls/lease-channel.js';
import { UsageError } from '../errors/configuration.js';
import { isMethodUnknown } from '../errors/server-errors.js';
import type { Connection } from '../session/connection.js';
import type { CommitFence } from './commit-fence.js';
import { plainQuery } from './plain-query.js';

/** What a transaction of the server should have. */
export interface ServerTransactionWishes {
  readonly fence: CommitFence;
  /** The record that proves its commit; undefined when the commit is not verified. */
  readonly marker: RecordId | undefined;
  /** Whether a record user may have a transaction although the server forgets that user in it. */
  readonly allowWithoutUser: boolean;
}

/**
 * Opens a transaction on the server and notes it, so that the release cancels it.
 * @throws UnsupportedFeatureError, UsageError, CommitVerificationError
 */
export async function openServerTransaction(lease: LeaseChannel, wishes: ServerTransactionWishes): Promise<Uuid> {
  lease.assertFeature(Features.Transactions);
  const mustKnowUser = !wishes.allowWithoutUser && (await isRecordUser(lease));
  const { fence, marker } = wishes;
  if (marker !== undefined && !fence.isSameStore(lease.connection, marker)) {
    await lease.ask((connection) => fence.compareStore(connection, marker));
  }
  const id = await lease.ask((connection) => begin(connection));
  try {
    if (mustKnowUser && !(await lease.ask((connection) => knowsUser(connection, id)))) throw userForgotten();
    if (marker !== undefined) await lease.ask((connection) => fence.mark(connection, id, marker));
    return id;
  } catch (error) {
    // If this fails too, the reset of the connection cancels it.
    await lease.ask((connection) => connection.cancel(id)).catch(() => {});
    throw error;
  }
}

async function begin(connection: Connection): Promise<Uuid> {
  try {
    return await connection.begin();
  } catch (error) {
    throw isMethodUnknown(error) ? new UnsupportedFeatureError(Features.Transactions) : error;
  }
}

/** Whether the user of a session is a record user. Not cached when the lease has changed the user. */
const recordUsers = new WeakMap<Uuid, boolean>();

async function isRecordUser(lease: LeaseChannel): Promise<boolean> {
  const { changes, session } = lease.connection;
  const known = changes.authentication ? undefined : recordUsers.get(session);
  if (known !== undefined) return known;
  const found = await lease.ask((connection) => knowsUser(connection));
  if (!changes.authentication) recordUsers.set(session, found);
  return found;
}

async function knowsUser(connection: Connection, transaction?: Uuid): Promise<boolean> {
  return (await plainQuery(connection, new BoundQuery('RETURN $auth != NONE'), transaction)) === true;
}

function userForgotten(): UsageError {
  return new UsageError(
    'SurrealDB 3.0.0 to 3.0.5 forgets a record user in transactions: $auth and $session are NONE, so permissions hide their own records and may show others; send BEGIN, the statements and COMMIT in one query instead, or say allowWithoutUser: true',
  );
}
