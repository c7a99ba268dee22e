import { type BoundQuery, Features, type QueryChunk, type RetryOptions, type Session } from 'surrealdb';
import { isConflict, isTransactionUnknown } from '../connection/classification.js';
import type { LeaseChannel } from '../connection/lease-channel.js';
import { conflictRetry, type Feature, type QueryChannel } from '../connection/query-channel.js';
import { messageOf } from '../error-message.js';
import {
  CallAbortedError,
  CommitOutcomeUnknownError,
  ConnectionLostError,
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
import { Nesting } from './nesting.js';
import type { ReplaceableTransaction } from './replaceable-transaction.js';
import type { SavepointMark, Savepoints } from './savepoints.js';
import type { LoggedCall, Mark } from './statement-log.js';
import type { TransactionState } from './transaction-state.js';

/** What a transaction is made of. */
export interface TransactionParts {
  readonly lease: LeaseChannel;
  /** Ends the time of the transaction. */
  readonly signal: AbortSignal | undefined;
  /** What it is on the server. */
  readonly server: ReplaceableTransaction;
  readonly state: TransactionState;
  readonly trace: Omit<TransactionTrace, 'step'>;
  /** Undefined when there are to be none. */
  readonly savepoints: Savepoints | undefined;
  /** Whether a failed call is undone alone. */
  readonly undoesFailures: boolean;
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
  readonly #nesting = new Nesting();
  /** Why it is aborted, or lost. */
  #failure: TransactionAbortedError | TransactionLostError | undefined;
  /** Set when a commit or a rollback waits for no more calls. */
  #closed = false;
  #committing: Promise<void> | undefined;
  #cancelling: Promise<void> | undefined;

  constructor(parts: TransactionParts) {
    this.#parts = parts;
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
    let before: Mark | undefined;
    try {
      await place.turn();
      if (this.#closed || this.state.word !== 'committing') this.#refuseLateCalls();
      before = this.#parts.savepoints?.log.mark();
      refuseForbiddenStatements(query);
      const chunks = await this.#parts.server.send<T>(query, this.#parts.savepoints?.log);
      const failed = chunks.find(({ error }) => error !== undefined);
      if (failed !== undefined) await this.#failed(failed.error, query.query, before);
      return chunks;
    } catch (error) {
      throw await this.#failed(error, query.query, before);
    } finally {
      place.leave();
    }
  }

  /** Makes a savepoint, after the calls that were begun before. */
  async savepoint(name?: string): Promise<SavepointMark> {
    const savepoints = this.#savepoints();
    return await this.#inTurn('savepoint', async () => savepoints.add(name, this.unsent));
  }

  async releaseSavepoint(which: string | SavepointMark): Promise<void> {
    const savepoints = this.#savepoints();
    await this.#inTurn('releaseSavepoint', async () => savepoints.release(savepoints.find(which)));
  }

  /** Undoes what came after a savepoint. When it fails, everything is as it was. */
  async rollbackTo(which: string | SavepointMark): Promise<void> {
    const savepoints = this.#savepoints();
    this.#refuseReturn();
    const place = this.#order.enter();
    try {
      await place.turn();
      this.#refuseReturn();
      const made = savepoints.find(which);
      await this.#goBack(savepoints, made.mark, this.state.word === 'aborted');
      savepoints.keepUpTo(made);
      for (const query of this.unsent) if (!made.unsent.has(query)) this.unsent.delete(query);
      // A commit may wait for this.
      if (this.state.word === 'aborted') this.state.to(this.#committing === undefined ? 'active' : 'committing');
    } finally {
      place.leave();
    }
  }

  /** Runs work that is undone alone when it throws. */
  async withSavepoint<T>(work: () => PromiseLike<T> | T): Promise<T> {
    return await this.#nesting.run(async (isInnermost) => {
      const made = await this.savepoint();
      try {
        const result = await work();
        if (!isInnermost())
          throw new UsageError('a withTransaction() or withSavepoint() within this one was not awaited');
        // Work may have ended the whole transaction by itself.
        if (!this.state.ended) await this.releaseSavepoint(made);
        return result;
      } catch (error) {
        await this.#undo(made, error);
        throw error;
      }
    });
  }

  /** Asked for twice, it happens once. */
  commit(): Promise<void> {
    const { word } = this.state;
    if (this.#committing !== undefined && (word === 'committing' || word === 'unknown')) return this.#committing;
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
        await this.#parts.server.commit();
        state.to('committed');
      } catch (error) {
        await this.#settleCommit(error);
      }
    });
  }

  /** Undoes everything. Never rejects when the transaction was open: nothing of it is applied, whatever happens. */
  async rollback(): Promise<void> {
    const { state } = this;
    // To say anything else would hide that it may have been committed, from callers who roll back whatever fails.
    if (state.word === 'unknown') return await this.#committing;
    if (state.word === 'committing' || state.word === 'committed') throw state.tooLate('rollback()');
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
    const error = new UsageError(
      'a live query is not part of a transaction: call live() on the connection, outside of it',
    );
    if (!this.#parts.undoesFailures) this.#abortFor(error, 'LIVE SELECT');
    throw error;
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
  async #failed(error: unknown, text: string, before: Mark | undefined): Promise<unknown> {
    if (error instanceof TransactionAbortedError || error instanceof TransactionEndedError) return error;
    if (error instanceof TransactionLostError || error instanceof LeaseReleasedError) return error;
    const told = this.#noteLoss(error);
    if (told !== undefined) return told;
    const { savepoints, undoesFailures } = this.#parts;
    if (!undoesFailures || savepoints === undefined || before === undefined) {
      this.#abortFor(error, text);
      return error;
    }
    try {
      this.#refuseReturn();
      await this.#goBack(savepoints, before, true);
    } catch (why) {
      this.#abortFor(error, text, why);
    }
    return error;
  }

  /** What is told of an error with which the transaction is lost; undefined when it is not. */
  #noteLoss(error: unknown): unknown {
    const { state } = this;
    const cutOff = error instanceof QueryTimeoutError || error instanceof CallAbortedError;
    if (!(error instanceof ConnectionLostError) && !(cutOff && error.outcome === 'unknown')) return undefined;
    const loss = lost(error);
    if (!state.ended && state.word !== 'rollingBack') {
      this.#failure = loss;
      state.to('lost');
    }
    return cutOff ? error : loss;
  }

  /** @param notUndone why the call could not be undone alone */
  #abortFor(error: unknown, text: string, notUndone?: unknown): void {
    const statement = text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
    const message = `the transaction is aborted and can only be rolled back, because this failed: ${statement}: ${messageOf(error)}`;
    if (notUndone === undefined) {
      this.abort(new TransactionAbortedError(message, { statement, cause: error }));
      return;
    }
    const more = `${message}; it could not be undone alone: ${messageOf(notUndone)}`;
    this.abort(new TransactionAbortedError(more, { statement, cause: causedBy(notUndone, error) }));
  }

  /** @throws UsageError */
  #savepoints(): Savepoints {
    const { savepoints } = this.#parts;
    if (savepoints !== undefined) return savepoints;
    throw new UsageError('this transaction was begun with savepoints: false');
  }

  /** Something that asks the server nothing, in its turn among the calls. */
  async #inTurn<T>(step: TransactionTrace['step'], work: () => Promise<T>): Promise<T> {
    const place = this.enter();
    try {
      await place.turn();
      if (this.#closed || this.state.word !== 'committing') this.#refuseLateCalls();
      return await this.#traced(step, work);
    } finally {
      place.leave();
    }
  }

  /** Going back is for failed calls. It does not bring back what has ended, or whose time is up. */
  #refuseReturn(): void {
    const { word } = this.state;
    if (word !== 'active' && word !== 'aborted' && (word !== 'committing' || this.#closed)) this.#refuseLateCalls();
    this.#parts.signal?.throwIfAborted();
  }

  /** Makes the transaction what it was at a place in the log, or leaves it as it is and throws. */
  #goBack(savepoints: Savepoints, mark: Mark, failed: boolean): Promise<void> {
    return this.#traced('rollbackToSavepoint', () => savepoints.goBack(mark, failed, (calls) => this.#replay(calls)));
  }

  async #replay(calls: readonly LoggedCall[]): Promise<void> {
    const { server, signal } = this.#parts;
    try {
      await server.replace(calls, () => this.#refuseReturn());
    } catch (error) {
      throw this.#noteLoss(error) ?? (signal?.aborted ? signal.reason : error);
    }
  }

  /** Undoes a piece of work that threw. What cannot be undone is not committed either. */
  async #undo(made: SavepointMark, error: unknown): Promise<void> {
    const { state } = this;
    if (state.word !== 'active' && state.word !== 'aborted') return;
    try {
      await this.rollbackTo(made);
      this.#savepoints().release(made);
    } catch (failure) {
      if (state.ended || this.#parts.signal?.aborted) return;
      const cause = causedBy(failure, error);
      const reason = new TransactionAbortedError(
        `the transaction is aborted and can only be rolled back, because a part of it that failed could not be undone: ${messageOf(failure)}`,
        { statement: undefined, cause },
      );
      if (state.word === 'aborted') this.#failure = reason;
      else this.abort(reason);
      throw cause;
    }
  }

  /** Rolls back instead of committing what is not whole. */
  async #refuseCommit(): Promise<void> {
    const { state } = this;
    if (state.word === 'lost') throw this.#failure;
    if (state.word !== 'committing' && state.word !== 'aborted') throw state.tooLate('commit()');
    const names = [...this.unsent].map(({ name }) => name);
    if (state.word === 'committing' && names.length === 0 && !this.#nesting.busy) return;
    const failure = state.word === 'aborted' ? this.#failure : undefined;
    state.to('rollingBack');
    await this.#cancel();
    const why =
      names.length > 0
        ? `${names.length} of its queries were made and never sent (${names.join(', ')}); a query is sent when it is awaited`
        : 'a withTransaction() or withSavepoint() within it was under way; await it first, and commit outside of it';
    throw failure ?? new UsageError(`the transaction was rolled back instead of committed: ${why}`);
  }

  #cancel(): Promise<void> {
    this.#cancelling ??= this.#cancelOnce();
    return this.#cancelling;
  }

  async #cancelOnce(): Promise<void> {
    const { lease, server, state } = this.#parts;
    try {
      await server.cancel();
      state.to('rolledBack');
    } catch (error) {
      // Never committed, it ends with the connection at the latest.
      lease.discard();
      state.to('lost');
      this.#failure = lost(error);
      this.#parts.onRollbackFailed(error);
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

/** An error that says what it followed from, when it does not say another cause already. */
function causedBy(error: unknown, cause: unknown): unknown {
  if (error instanceof Error && error.cause === undefined) error.cause = cause;
  return error;
}
