import { ExportError } from '../errors/backup.js';
import { UsageError } from '../errors/configuration.js';
import type { Connection } from '../session/connection.js';
import { covers } from '../session/token-claims.js';
import type { Answer } from '../wire/answer.js';
import type { ExportContent, ExportRequest } from '../wire/export-requests.js';
import type { Transport } from '../wire/transport.js';
import { Call } from './call.js';

/** What an export needs once its user is known. It holds no connection of the pool while it runs. */
export interface ExportPermit {
  readonly transport: Transport;
  readonly request: ExportRequest;
}

/** What a permit asks of the channel of the lease whose user exports. */
export interface ExportingLease {
  readonly connection: Connection;
  /** Waits for work done elsewhere, while the lease lasts. */
  waitWithLease<T>(work: Promise<T>): Promise<T>;
  send(call: Call): Promise<Answer>;
}

/**
 * Finds out whether the user of a lease may export, and what the export needs. An embedded engine exports for every
 * user, so the pool refuses here what a server would.
 * @throws UsageError, ExportError
 */
export async function exportPermit(lease: ExportingLease, content: ExportContent): Promise<ExportPermit> {
  const { connection } = lease;
  const { transport, level } = connection;
  if (connection.changes.authentication) {
    throw new UsageError(
      'a lease that signed in or out by itself has no token to export with: acquire a connection with these credentials',
    );
  }
  const token = await lease.waitWithLease(connection.accessToken());
  const { namespace, database } = connection.database;
  if (!covers(level, connection.database)) {
    throw new ExportError(`the user of connection ${connection.id} has no rights in "${namespace}/${database}"`, {
      outcome: 'refused',
    });
  }
  if (transport.isEmbedded && token !== undefined && (await isByAccess(lease))) {
    throw new ExportError('a user of an access method may not export the database', { outcome: 'refused' });
  }
  return { transport, request: { namespace, database, token, content } };
}

/** Whether the user of the session signed in by an access method, as record users do. */
async function isByAccess(lease: ExportingLease): Promise<boolean> {
  const text = 'RETURN $access != NONE OR $auth != NONE OR $token = NONE';
  const [{ error, result } = {}] = await lease.send(new Call({ text, bindings: {} }));
  if (error !== undefined) throw error;
  return (result?.[0] ?? result) !== false;
}
