import { type BoundQuery, Features, type QueryChunk, type RetryOptions, type Session, type Uuid } from 'surrealdb';
import { isConflict, isTransactionUnknown } from '../connection/classification.js';
import type { Connection } from '../connection/connection.js';
import type { LeaseChannel } from '../connection/lease-channel.js';
import { conflictRetry, type Feature, type QueryChannel } from '../connection/query-channel.js';
import { untilAborted } from '../connection/until-aborted.js';
import { messageOf } from '../error-message.js';
import {
  CallAbortedError,
  CommitOutcomeUnknownError,
  ConnectionLostError,
  DeadlineError,
  IdentityLostError,
  LeaseReleasedError,
  QueryTimeoutError,
  TransactionAbortedError,
  TransactionConflictError,
  TransactionEndedError,
  TransactionLostError,
  UsageError,
} from '../errors.js';
import { outcomeOf } from '../outcome.js';
import { type TransactionTrace, traced, transactionChannel } from '../telemetry/channels.js';
import { CallOrder, type Place } from './call-order.js';
import type { CommitOutcome } from './commit-fence.js';
import { refuseForbiddenStatements } from './forbidden-statements.js';
import { endServerTransaction } from './server-transaction.js';
import type { TransactionState } from './transaction-state.js';

/** What a transaction is made of. */
export interface TransactionParts {
  /** The lease, for what has to be done even when the time of the transaction is up. */
  readonly lease: LeaseChannel;
  /** The lease within the time and the signal of the transaction: for its calls. */
  readonly bounded: LeaseChannel;
  readonly connection: Connection;
  readonly state: TransactionState;
  readonly trace: Omit<TransactionTrace, 'step'>;
  /** How long a rollback may take, in milliseconds. */
  readonly rollbackTimeout: number;
  /** Finds out what became of a commit without an answer; undefined when nobody asked for that. */
  readonly verify: (() => Promise<CommitOutcome>) | undefined;
  /** Told of a transaction that could not be cancelled. */
  onRollbackFailed(error: unknown): void;
}

/** The longest piece of a statement that is shown in an error. */
const longestShown = 200;

/**
 * What every query of one transaction goes through: all of them one after the other, by {@link TransactionChannel.run},
 * which sees the text and the bindings that go and the answer that comes. A call that failed, whoever looks at its
 * answer, leaves the transaction aborted.
 */
export class TransactionChannel implements QueryChannel {
  /** SurrealDB keeps what a failed statement wrote: to send it again inside the same transaction would be wrong. */
  readonly retry: RetryOptions = { ...conflictRetry, retryable: () => false };
  /** Queries that were made from the transaction and not sent so far, by what made them. */
  readonly unsent: Set<{ readonly name: string }> = new Set();
  readonly #parts: TransactionParts;
  readonly #order = new CallOrder();
  /** The transaction of the server: here and nowhere else, so that another one can take its place. */
  #server: Uuid;
  /** Why it is aborted, or lost. */
  #failure: TransactionAbortedError | TransactionLostError | undefined;
  /** Set when a commit or a rollback waits for no more calls. */
  #closed = false;
  #committing: Promise<void> | undefined;
  #cancelling: Promise<void> | undefined;

  constructor(parts: TransactionParts, server: Uuid) {
    this.#parts = parts;
    this.#server = server;
  }

  get state(): TransactionState {
    return this.#parts.state;
  }

  get status(): 'connected' | 'disconnected' {
    return this.state.ended ? 'disconnected' : 'connected';
  }

  async ready(): Promise<void> {
    this.#refuseLateCalls();
  }

  async *query<T>(query: BoundQuery, _session: Session): AsyncIterable<QueryChunk<T>> {
    yield* await this.run<T>(query, this.enter());
  }

  /** Gives a call its place in the order. */
  enter(): Place {
    this.#refuseLateCalls();
    return this.#order.enter();
  }

  /** Sends a call in its turn. Every query of the transaction comes by here. */
  async run<T>(query: BoundQuery, place: Place): Promise<QueryChunk<T>[]> {
    try {
      await place.turn();
      if (this.#closed || this.state.word !== 'committing') this.#refuseLateCalls();
      refuseForbiddenStatements(query);
      const chunks: QueryChunk<T>[] = [];
      const { bounded, connection } = this.#parts;
      for await (const chunk of bounded.query<T>(query, connection.session, this.#server)) chunks.push(chunk);
      const failed = chunks.find(({ error }) => error !== undefined);
      if (failed !== undefined) this.#fail(failed.error, query.query);
      return chunks;
    } catch (error) {
      throw this.#fail(error, query.query);
    } finally {
      place.leave();
    }
  }

  /** Asked for twice, it happens once. */
  commit(): Promise<void> {
    if (this.#committing !== undefined && this.state.word === 'committing') return this.#committing;
    this.#committing = this.#commit();
    return this.#committing;
  }

  async #commit(): Promise<void> {
    const { state } = this;
    if (state.word === 'lost') throw this.#failure;
    if (state.word !== 'active' && state.word !== 'aborted') throw state.tooLate('commit()');
    if (state.word === 'active') state.to('committing');
    await this.#traced('commit', async () => {
      await this.#order.over();
      this.#closed = true;
      // What was sent before the commit may have failed meanwhile.
      await this.#refuseCommit();
      try {
        await endServerTransaction(this.#parts.bounded, 'commit', this.#server);
        state.to('committed');
      } catch (error) {
        await this.#settleCommit(error);
      }
    });
  }

  /** Undoes everything. Never rejects when the transaction was open: nothing of it is applied, whatever happens. */
  async rollback(): Promise<void> {
    const { state } = this;
    if (state.word === 'committing' || state.word === 'committed' || state.word === 'unknown') {
      throw state.tooLate('rollback()');
    }
    if (state.ended) return;
    if (state.word !== 'rollingBack') state.to('rollingBack');
    await this.#traced('rollback', async () => {
      await this.#order.over();
      this.#closed = true;
      await this.#cancel();
    });
  }

  /** Ends it before its time: from now on it can only be rolled back. */
  abort(reason: TransactionAbortedError): void {
    const { word } = this.state;
    if (word !== 'active' && word !== 'committing') return;
    // A commit that was sent is cut off by its own limits, and then has an outcome.
    if (this.#closed) return;
    this.#failure = reason;
    this.state.to('aborted');
  }

  /** Its connection or its lease is over. */
  lose(cause: unknown): void {
    const { word } = this.state;
    // What a commit or a rollback under way comes to is for its own answer to say.
    if (word === 'committing' || word === 'rollingBack' || this.state.ended) return;
    this.#failure = lost(cause);
    this.state.to(cause instanceof LeaseReleasedError ? 'abandoned' : 'lost');
  }

  /** Live queries are not part of a transaction; other features are for the server to refuse. */
  assertFeature(feature: Feature): void {
    if (feature !== Features.LiveQueries) return;
    throw this.#fail(
      new UsageError('a live query is not part of a transaction: call live() on the connection, outside of it'),
      'LIVE SELECT',
    );
  }

  liveQuery(): never {
    throw new UsageError('a live query is not part of a transaction');
  }

  hasSession(): boolean {
    return !this.state.ended;
  }

  subscribe(): () => void {
    return () => {};
  }

  propagateError(): void {}

  #refuseLateCalls(): void {
    const { state } = this;
    if (state.word === 'active') return;
    if (state.word === 'abandoned') this.#parts.lease.connection;
    if (this.#failure !== undefined && (state.word === 'aborted' || state.word === 'lost')) throw this.#failure;
    throw state.tooLate('a call');
  }

  /** Notes that a call failed, and says what its caller is told. */
  #fail(error: unknown, text: string): unknown {
    const { state } = this;
    if (error instanceof TransactionAbortedError || error instanceof TransactionEndedError) return error;
    if (error instanceof TransactionLostError || error instanceof LeaseReleasedError) return error;
    const cutOff = error instanceof QueryTimeoutError || error instanceof CallAbortedError;
    if (error instanceof ConnectionLostError || (cutOff && error.outcome === 'unknown')) {
      const loss = lost(error);
      if (!state.ended && state.word !== 'rollingBack') {
        this.#failure = loss;
        state.to('lost');
      }
      return cutOff ? error : loss;
    }
    const statement = text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
    this.abort(
      new TransactionAbortedError(
        `the transaction is aborted and can only be rolled back, because this failed: ${statement}: ${messageOf(error)}`,
        { statement, cause: error },
      ),
    );
    return error;
  }

  /** Rolls back instead of committing what is not whole. */
  async #refuseCommit(): Promise<void> {
    const { state } = this;
    if (state.word === 'lost') throw this.#failure;
    if (state.word !== 'committing' && state.word !== 'aborted') throw state.tooLate('commit()');
    const names = [...this.unsent].map(({ name }) => name);
    if (state.word === 'committing' && names.length === 0) return;
    const failure = state.word === 'aborted' ? this.#failure : undefined;
    state.to('rollingBack');
    await this.#cancel();
    throw (
      failure ??
      new UsageError(
        `the transaction was rolled back instead of committed: ${names.length} of its queries were made and never sent (${names.join(', ')}); a query is sent when it is awaited`,
      )
    );
  }

  #cancel(): Promise<void> {
    this.#cancelling ??= this.#cancelOnce();
    return this.#cancelling;
  }

  async #cancelOnce(): Promise<void> {
    const { lease, rollbackTimeout, state } = this.#parts;
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new DeadlineError('rolling back a transaction', rollbackTimeout)),
      rollbackTimeout,
    );
    try {
      await untilAborted(endServerTransaction(lease, 'cancel', this.#server), deadline.signal);
      state.to('rolledBack');
    } catch (error) {
      // Never committed, it ends with the connection at the latest.
      lease.discard();
      state.to('lost');
      this.#failure = lost(error);
      this.#parts.onRollbackFailed(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What a commit that failed comes to: returns when it was applied all the same, else throws. */
  async #settleCommit(error: unknown): Promise<void> {
    const { state } = this;
    if (isConflict(error)) {
      state.to('conflicted');
      const message = `a concurrent transaction changed the same records first; nothing was applied: ${messageOf(error)}`;
      throw new TransactionConflictError(message, { attempts: 1, cause: error });
    }
    if (error instanceof LeaseReleasedError) {
      state.to('abandoned');
      throw error;
    }
    if (error instanceof CallAbortedError && error.outcome === 'not-sent') {
      state.to('rollingBack');
      await this.#cancel();
      throw new TransactionAbortedError('the transaction was rolled back: it was aborted before its commit was sent', {
        statement: undefined,
        cause: error,
      });
    }
    const notDone =
      outcomeOf(error) === 'not-sent' || error instanceof IdentityLostError || isTransactionUnknown(error);
    if (notDone) throw this.#lost(error);
    const verdict = await this.#verdict(error);
    if (verdict.outcome === 'committed') {
      state.to('committed');
      return;
    }
    if (verdict.outcome === 'not-committed') throw this.#lost(error);
    state.to('unknown');
    this.#parts.lease.discard();
    throw new CommitOutcomeUnknownError(
      `the answer to a commit was lost, and nobody knows whether it was applied: ${messageOf(verdict.cause)}`,
      { cause: verdict.cause },
    );
  }

  async #verdict(cause: unknown): Promise<CommitOutcome> {
    const { verify } = this.#parts;
    return verify === undefined ? { outcome: 'unknown', cause } : await this.#traced('fence', verify);
  }

  #lost(cause: unknown): TransactionLostError {
    const error = lost(cause);
    this.#failure = error;
    this.state.to('lost');
    return error;
  }

  #traced<T>(step: TransactionTrace['step'], work: () => Promise<T>): Promise<T> {
    return traced(transactionChannel, () => ({ ...this.#parts.trace, step }), work);
  }
}

function lost(cause: unknown): TransactionLostError {
  return new TransactionLostError(
    `the transaction was lost with its connection (${messageOf(cause)}); nothing of it was applied`,
    { cause },
  );
}
