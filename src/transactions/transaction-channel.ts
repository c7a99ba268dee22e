import { type BoundQuery, Features, type QueryChunk, type RetryOptions, type Session } from 'surrealdb';
import { Call } from '../calls/call.js';
import type { LeaseChannel } from '../calls/lease-channel.js';
import { mended } from '../calls/mended-calls.js';
import { type Layer, type Next, pipeline } from '../calls/pipeline.js';
import { conflictRetry, type Feature, type QueryChannel } from '../calls/query-channel.js';
import type { Asked } from '../errors/asked.js';
import { LeaseReleasedError } from '../errors/call.js';
import { UsageError } from '../errors/configuration.js';
import { answerForCaller, forCaller } from '../errors/for-caller.js';
import type { TransactionAbortedError } from '../errors/transaction.js';
import type { Mark } from '../savepoints/call-log.js';
import { keptIn } from '../savepoints/kept-calls.js';
import type { SavepointMark, Savepoints } from '../savepoints/savepoints.js';
import { refuseStatements } from '../surrealql/refused-statements.js';
import { type TransactionTrace, traced, transactionChannel } from '../telemetry/channels.js';
import { type Answer, hasFailed } from '../wire/answer.js';
import { Commit } from './commit.js';
import type { CommitOutcome } from './commit-fence.js';
import { abortedBy, lossOf, notUndone } from './failures.js';
import { Nesting } from './nesting.js';
import { lost, Rollback } from './rollback.js';
import type { ServerTransaction } from './server-transaction.js';
import type { TransactionState } from './transaction-state.js';
import { type Turn, Turns } from './turns.js';
import type { Undo } from './undo.js';

/** What a transaction is made of. */
export interface TransactionParts {
  readonly lease: LeaseChannel;
  /** Ends the time of the transaction. */
  readonly signal: AbortSignal | undefined;
  /** What it is on the server. */
  readonly server: ServerTransaction;
  readonly state: TransactionState;
  readonly trace: Omit<TransactionTrace, 'step'>;
  /** Undefined when there are to be none. */
  readonly savepoints: Savepoints | undefined;
  readonly undo: Undo | undefined;
  /** Whether a failed call is undone alone. */
  readonly undoesFailures: boolean;
  /** Told when the server does not let this user have what it gets wrong mended. */
  onMendingRefused(): void;
  /** Finds out what became of a commit without an answer; undefined when that was not asked for. */
  readonly verify: (() => Promise<CommitOutcome>) | undefined;
  /** Told of a transaction that could not be cancelled. */
  onRollbackFailed(error: unknown): void;
}

/**
 * What every query of one transaction goes through: all of them one after the other, in the order in which they were
 * begun, through these layers:
 *
 *     whileOpen ▸ guarded ▸ abortsOnFailure ▸ kept ▸ mended ▸ the layers of the lease
 *
 * A call that failed leaves the transaction aborted, also when its caller does not look at the answer.
 */
export class TransactionChannel implements QueryChannel {
  /** SurrealDB keeps what a failed statement wrote: to send it again inside the same transaction would be wrong. */
  readonly retry: RetryOptions = { ...conflictRetry, retryable: () => false };
  /** Queries that were made from the transaction and not sent so far, by what made them. */
  readonly unsent: Set<{ readonly name: string }> = new Set();
  readonly nesting: Nesting = new Nesting();
  readonly #parts: TransactionParts;
  readonly #turns = new Turns();
  readonly #send: Next<Call, Answer>;
  readonly #commit: Commit;
  readonly #rollback: Rollback;
  #committing: Promise<void> | undefined;

  constructor(parts: TransactionParts) {
    this.#parts = parts;
    const { lease, server, state, savepoints, verify } = parts;
    const layers = [this.#whileOpen, guarded, this.#abortsOnFailure];
    if (savepoints !== undefined) layers.push(keptIn(savepoints.log));
    layers.push(
      mended(
        () => server.mending,
        () => parts.onMendingRefused(),
      ),
    );
    this.#send = pipeline(layers, (call) => server.send(call));
    this.#rollback = new Rollback(server, state, lease, (error) => parts.onRollbackFailed(error));
    this.#commit = new Commit({
      lease,
      server,
      state,
      rollback: this.#rollback,
      verify: verify && (() => this.#traced('fence', verify)),
      drained: () => this.#turns.over(),
      incomplete: () => this.#incomplete(),
    });
  }

  get state(): TransactionState {
    return this.#parts.state;
  }

  get status(): 'connected' | 'disconnected' {
    return this.state.ended ? 'disconnected' : 'connected';
  }

  async ready(): Promise<void> {
    try {
      this.#refuseLateCalls();
    } catch (error) {
      throw await this.forCaller(error);
    }
  }

  async *query<T>(query: BoundQuery, _session: Session): AsyncIterable<QueryChunk<T>> {
    yield* (await this.run(query)) as QueryChunk<T>[];
  }

  /** Gives a call its place in the order. */
  enter(): Turn {
    this.#refuseLateCalls();
    return this.#turns.enter();
  }

  /**
   * Sends a call in its turn. Every query of the transaction comes by here.
   * @param entered its place in the order; without it, it is the last
   */
  async run(query: BoundQuery, entered?: Turn): Promise<Answer> {
    let turn = entered;
    let answer: Answer;
    try {
      turn ??= this.enter();
      await turn.come();
      answer = await this.#send(Call.of(query));
    } catch (error) {
      throw await this.forCaller(error, query.query);
    } finally {
      turn?.leave();
    }
    if (hasFailed(answer)) await answerForCaller(answer, () => this.#asked(query.query));
    return answer;
  }

  /** What the caller of something of the transaction is rejected with. */
  forCaller(error: unknown, statement?: string): Promise<unknown> {
    return forCaller(error, () => this.#asked(statement));
  }

  #asked(statement?: string): Asked {
    const { lease, trace } = this.#parts;
    return lease.asked(statement, trace.transaction);
  }

  /** Makes a savepoint, after the calls that were begun before. */
  async savepoint(name?: string): Promise<SavepointMark> {
    const { savepoints } = this.#undoing();
    return await this.#inTurn('savepoint', () => savepoints.add(name, this.unsent, () => this.#parts.server.clock()));
  }

  async releaseSavepoint(which: SavepointMark): Promise<void> {
    const { savepoints } = this.#undoing();
    await this.#inTurn('releaseSavepoint', async () => savepoints.release(savepoints.find(which)));
  }

  /** Undoes what came after a savepoint. When it fails, everything is as it was. */
  async rollbackTo(which: string | SavepointMark): Promise<void> {
    const { savepoints } = this.#undoing();
    // Queries that are made from now on are not among those that it undoes.
    const unsent = [...this.unsent];
    let turn: Turn | undefined;
    try {
      this.#refuseReturn();
      turn = this.#turns.enter();
      await turn.come();
      this.#refuseReturn();
      const made = savepoints.find(which);
      await this.#undo(made.mark);
      savepoints.keepUpTo(made);
      for (const query of unsent) if (!made.unsent.has(query)) this.unsent.delete(query);
      if (this.state.word === 'aborted') this.state.recover(this.#committing === undefined ? 'active' : 'draining');
    } catch (error) {
      throw await this.forCaller(error);
    } finally {
      turn?.leave();
    }
  }

  /** Runs work that is undone alone when it throws. */
  async withSavepoint<T>(work: () => PromiseLike<T> | T): Promise<T> {
    return await this.nesting.run(async (isInnermost) => {
      const made = await this.savepoint();
      const outer = this.#undoing().savepoints.made.filter((savepoint) => savepoint !== made);
      try {
        const result = await work();
        if (!isInnermost())
          throw new UsageError('a withTransaction() or withSavepoint() within this one was not awaited');
        // Work may have ended the whole transaction by itself.
        if (!this.state.ended) await this.releaseSavepoint(made);
        return result;
      } catch (error) {
        await this.#undoWork(made, outer, error);
        throw error;
      }
    });
  }

  /** Asked for twice, it happens once. */
  commit(): Promise<void> {
    const { word } = this.state;
    if (this.#committing !== undefined && (word === 'draining' || word === 'committing' || word === 'unknown'))
      return this.#committing;
    this.#committing = this.#traced('commit', () => this.#commit.run());
    return this.#committing;
  }

  /** Undoes everything. Never rejects when the transaction was open: nothing of it is applied, whatever happens. */
  async rollback(): Promise<void> {
    const { state } = this;
    const { word } = state;
    // To say anything else would hide that it may have been committed, from callers who roll back whatever fails.
    if (word === 'unknown') return await this.#committing;
    if (word === 'draining' || word === 'committing' || word === 'committed') throw state.tooLate('rollback()');
    if (state.ended) return;
    if (word !== 'rollingBack') state.to('rollingBack');
    await this.#traced('rollback', async () => {
      await this.#turns.over();
      await this.#rollback.cancel();
    });
  }

  /** Ends it before its time: from now on it can only be rolled back. A commit that was sent has an outcome of its own. */
  abort(reason: TransactionAbortedError): void {
    const { word } = this.state;
    if (word === 'active' || word === 'draining') this.state.abort(reason);
  }

  /** Its connection or its lease is over. What a commit or a rollback under way comes to is for its own answer to say. */
  lose(cause: unknown): void {
    const { state } = this;
    if (state.word === 'committing' || state.word === 'rollingBack' || state.ended) return;
    if (cause instanceof LeaseReleasedError) state.to('abandoned');
    else state.lose(lost(cause));
  }

  /** Live queries are not part of a transaction; other features are for the server to refuse. */
  assertFeature(feature: Feature): void {
    if (feature !== Features.LiveQueries) return;
    throw new UsageError('a live query is not part of a transaction: call live() on the connection, outside of it');
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

  readonly #whileOpen: Layer<Call, Answer> = async (call, next) => {
    if (this.state.word !== 'draining') this.#refuseLateCalls();
    return await next(call);
  };

  readonly #abortsOnFailure: Layer<Call, Answer> = async (call, next) => {
    const before = this.#parts.savepoints?.log.mark();
    let answer: Answer;
    try {
      answer = await next(call);
    } catch (error) {
      // What was refused before it was sent has done nothing.
      if (error instanceof UsageError) throw error;
      throw await this.#failed(error, call.text, before);
    }
    const failed = answer.find(({ error }) => error !== undefined);
    if (failed !== undefined) await this.#failed(failed.error, call.text, before);
    return answer;
  };

  /** Notes that a call failed, and gives what its caller is told. */
  async #failed(error: unknown, text: string, before: Mark | undefined): Promise<unknown> {
    if (error instanceof LeaseReleasedError) return error;
    const loss = lossOf(error);
    if (loss !== undefined) {
      if (!this.state.ended && this.state.word !== 'rollingBack') this.state.lose(loss.ofTransaction);
      return loss.ofCall;
    }
    if (!this.#parts.undoesFailures || before === undefined) {
      this.abort(abortedBy(error, text));
      return error;
    }
    try {
      this.#refuseReturn();
      await this.#undo(before);
    } catch (why) {
      this.abort(abortedBy(error, text, why));
    }
    return error;
  }

  #refuseLateCalls(): void {
    const { state } = this;
    if (state.word === 'active') return;
    if (state.word === 'abandoned') this.#parts.lease.connection;
    if (state.failure !== undefined && (state.word === 'aborted' || state.word === 'lost')) throw state.failure;
    throw state.tooLate('a call');
  }

  /** Going back is for failed calls. It does not bring back what has ended, or whose time is up. */
  #refuseReturn(): void {
    const { word } = this.state;
    if (word !== 'active' && word !== 'aborted' && word !== 'draining') this.#refuseLateCalls();
    this.#parts.signal?.throwIfAborted();
  }

  /** Makes the transaction what it was at a place in the log, or leaves it as it is and throws. */
  async #undo(mark: Mark): Promise<void> {
    const { undo } = this.#undoing();
    try {
      await this.#traced('rollbackToSavepoint', () => undo.to(mark, () => this.#refuseReturn()));
    } catch (error) {
      const loss = lossOf(error);
      if (loss === undefined) throw this.#parts.signal?.aborted ? this.#parts.signal.reason : error;
      if (!this.state.ended && this.state.word !== 'rollingBack') this.state.lose(loss.ofTransaction);
      throw loss.ofCall;
    }
  }

  /** Undoes a piece of work that threw. What cannot be undone is not committed either. */
  async #undoWork(made: SavepointMark, outer: readonly SavepointMark[], error: unknown): Promise<void> {
    const { state } = this;
    if (state.word !== 'active' && state.word !== 'aborted') return;
    try {
      await this.rollbackTo(made);
      this.#undoing().savepoints.release(made);
    } catch (failure) {
      if (state.ended || this.#parts.signal?.aborted) return;
      // To go back to a savepoint within it would keep a part of it.
      this.#undoing().savepoints.keepOnly(outer);
      const reason = notUndone(failure, error);
      state.abort(reason);
      throw reason.cause;
    }
  }

  /** @throws UsageError */
  #undoing(): { savepoints: Savepoints; undo: Undo } {
    const { savepoints, undo } = this.#parts;
    if (savepoints !== undefined && undo !== undefined) return { savepoints, undo };
    throw new UsageError('this transaction was begun with savepoints: false');
  }

  /** Something that asks the server nothing, in its turn among the calls. */
  async #inTurn<T>(step: TransactionTrace['step'], work: () => Promise<T>): Promise<T> {
    let turn: Turn | undefined;
    try {
      turn = this.enter();
      await turn.come();
      if (this.state.word !== 'draining') this.#refuseLateCalls();
      return await this.#traced(step, work);
    } catch (error) {
      throw await this.forCaller(error);
    } finally {
      turn?.leave();
    }
  }

  #incomplete(): string | undefined {
    const names = [...this.unsent].map(({ name }) => name);
    if (names.length > 0) {
      return `${names.length} of its queries were made and never sent (${names.join(', ')}); a query is sent when it is awaited`;
    }
    if (!this.nesting.busy) return undefined;
    return 'a withTransaction() or withSavepoint() within it was under way; await it first, and commit outside of it';
  }

  #traced<T>(step: TransactionTrace['step'], work: () => Promise<T>): Promise<T> {
    return traced(transactionChannel, () => ({ ...this.#parts.trace, step }), work);
  }
}

const guarded: Layer<Call, Answer> = async (call, next) => {
  refuseStatements(call.surrealText, 'transaction');
  return await next(call);
};
