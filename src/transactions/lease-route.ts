import type { BoundQuery, LiveMessage, QueryChunk, RetryOptions, Session, Uuid, VersionInfo } from 'surrealdb';
import { type ImportInput, importInto } from '../calls/import.js';
import type { LeaseChannel } from '../calls/lease-channel.js';
import { settled } from '../calls/ledger.js';
import { conflictRetry, type Feature, type QueryChannel } from '../calls/query-channel.js';
import { UsageError } from '../errors/configuration.js';
import { forCaller } from '../errors/for-caller.js';
import type { Connection } from '../session/connection.js';
import type { ExportContent } from '../wire/export-requests.js';
import type { TransactionChannel } from './transaction-channel.js';

/**
 * The channel of every SDK object of one lease. It sends each call to the transaction open on the lease, or else to the
 * lease itself.
 */
export class LeaseRoute implements QueryChannel {
  readonly retry: RetryOptions = conflictRetry;
  readonly lease: LeaseChannel;
  #transaction: TransactionChannel | undefined;
  #isBeginning = false;

  constructor(lease: LeaseChannel) {
    this.lease = lease;
  }

  /** The open transaction, if any. */
  get transaction(): TransactionChannel | undefined {
    return this.#transaction?.status === 'connected' ? this.#transaction : undefined;
  }

  /**
   * Opens a transaction. Until it ends, calls are part of it.
   * @throws UsageError when a transaction is open, or being opened
   */
  async begin(open: () => Promise<TransactionChannel>): Promise<TransactionChannel> {
    // First: a lease that has ended says so, whatever else has ended or is open.
    this.lease.connection;
    if (this.#isBeginning || this.transaction !== undefined) {
      throw new UsageError('a transaction is open on this connection already: commit it or roll it back first');
    }
    this.#isBeginning = true;
    try {
      this.#transaction = await open();
      return this.#transaction;
    } finally {
      this.#isBeginning = false;
    }
  }

  /**
   * Changes the state of the session, with no other call under way.
   * @throws UsageError while a transaction is open
   */
  async change<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      this.lease.assertUsable();
      if (this.transaction !== undefined) {
        throw new UsageError(
          'the database, user and variables of a connection stay as they are while a transaction is open on it: commit it or roll it back first',
        );
      }
      return await this.lease.change(work);
    } catch (error) {
      throw await forCaller(error, () => this.lease.asked());
    }
  }

  query<T>(query: BoundQuery, session: Session): AsyncIterable<QueryChunk<T>> {
    // The lease may have ended since the query was built, and its transaction with it.
    return (this.transaction ?? this.lease).query<T>(query, session);
  }

  /** @throws UsageError while a transaction is open */
  async exportSql(content: ExportContent): Promise<Response> {
    this.#refuseWithin('export', 'shows what is committed');
    return await this.lease.during(() => this.lease.exportSql(content));
  }

  /** @throws UsageError while a transaction is open */
  async import(input: ImportInput): Promise<void> {
    this.#refuseWithin('import', 'is no part of one');
    const admission = this.lease.ledger?.admitOther('import');
    const importing = this.lease.during(() => importInto(this.lease, input, admission));
    await settled(admission, importing);
  }

  async version(): Promise<VersionInfo> {
    return await this.lease.version();
  }

  #refuseWithin(method: string, why: string): void {
    this.lease.assertUsable();
    if (this.transaction === undefined) return;
    throw new UsageError(
      `${method}() while a transaction is open on this connection: it ${why}; end the transaction first`,
    );
  }

  get status(): QueryChannel['status'] {
    return this.lease.status;
  }

  async ready(): Promise<void> {
    await this.lease.ready();
  }

  liveQuery(id: Uuid): AsyncIterable<LiveMessage> {
    return this.lease.liveQuery(id);
  }

  assertFeature(feature: Feature): void {
    this.lease.assertFeature(feature);
  }

  hasSession(): boolean {
    return this.lease.hasSession();
  }

  subscribe(): () => void {
    return () => {};
  }

  propagateError(): void {}
}
