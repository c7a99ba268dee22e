import { type BoundQuery, Features, type QueryChunk, type RetryOptions, type Session } from 'surrealdb';
import { Call } from '../calls/call.js';
import type { LeaseChannel } from '../calls/lease-channel.js';
import type { Admission, LastStatement, TransactionAdmission } from '../calls/ledger.js';
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

/** The parts of a transaction. */
export interface TransactionParts {
  readonly lease: LeaseChannel;
  /** Aborted when the time of the transaction is up. */
  readonly signal: AbortSignal | undefined;
  /** The transaction on the server. */
  readonly server: ServerTransaction;
  readonly state: TransactionState;
  readonly trace: Omit<TransactionTrace, 'step'>;
  /** Undefined with `savepoints: false`. */
  readonly savepoints: Savepoints | undefined;
  readonly undo: Undo | undefined;
  /** Asked about each call of it, if its caller has limits of its own. */
  readonly admission: TransactionAdmission | undefined;
  /** Whether a failed call is undone alone. */
  readonly undoesFailures: boolean;
  /** Called when the server does not let this user have its faults worked around. */
  onMendingRefused(): void;
  /** Finds out the outcome of a commit without an answer; undefined without `verifyCommit`. */
  readonly verify: (() => Promise<CommitOutcome>) | undefined;
  /** Called when the transaction could not be cancelled. */
  onRollbackFailed(error: unknown): void;
}

/**
 * Runs every query of one transaction, one after the other, in the order in which they were begun, through these
 * layers:
 *
 *     whileOpen ▸ guarded ▸ [admits] ▸ abortsOnFailure ▸ [settles] ▸ kept ▸ mended ▸ the layers of the lease
 *
 * Those in brackets exist only when the caller has a ledger. A call that it does not admit leaves the transaction as it was.
 * A failed call leaves the transaction aborted, even if its caller ignores the error.
 */
export class TransactionChannel implements QueryChannel {
  /** SurrealDB keeps what a failed statement wrote, so sending it again in the same transaction would be wrong. */
  readonly retry: RetryOptions = { ...conflictRetry, retryable: () => false };
  /** Queries built from the transaction and not sent yet, with the method that built them. */
  readonly unsent: Set<{ readonly name: string }> = new Set();
  readonly nesting: Nesting = new Nesting();
  readonly #parts: TransactionParts;
  readonly #turns = new Turns();
  /** The calls under way that a ledger has admitted; undefined without one. */
  readonly #admitted: WeakMap<Call, Admission> | undefined;
  readonly #send: Next<Call, Answer>;
  readonly #commit: Commit;
  readonly #rollback: Rollback;
  #committing: Promise<void> | undefined;

  constructor(parts: TransactionParts) {
    this.#parts = parts;
    const { lease, server, state, savepoints, verify, admission } = parts;
    this.#admitted = admission && new WeakMap();
    const layers = [this.#whileOpen, guarded];
    if (admission !== undefined) layers.push(this.#admits(admission));
    layers.push(this.#abortsOnFailure);
    if (admission !== undefined) layers.push(this.#settles);
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
      last: admission && (() => this.#sendLast(admission)),
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
   * Sends a call in its turn. Every query of the transaction passes here.
   * @param entered its place in the order; left out, the last
   */
  async run(query: BoundQuery, entered?: Turn): Promise<Answer> {
    let call: Call;
    try {
      call = Call.of(query, this.#parts.admission?.judgesValues);
    } catch (error) {
      entered?.leave();
      throw error;
    }
    return await this.runCall(call, entered);
  }

  /** The same for a call. */
  async runCall(call: Call, entered?: Turn): Promise<Answer> {
    let turn = entered;
    let answer: Answer;
    try {
      turn ??= this.enter();
      await turn.come();
      answer = await this.#send(call);
    } catch (error) {
      throw await this.forCaller(error, call.text);
    } finally {
      turn?.leave();
    }
    if (hasFailed(answer)) await answerForCaller(answer, () => this.#asked(call.text));
    return answer;
  }

  /** The error that a caller of the transaction gets. */
  forCaller(error: unknown, statement?: string): Promise<unknown> {
    return forCaller(error, () => this.#asked(statement));
  }

  #asked(statement?: string): Asked {
    const { lease, trace } = this.#parts;
    return lease.asked(statement, trace.transaction);
  }

  /** Makes a savepoint after the calls begun before it. */
  async savepoint(name?: string): Promise<SavepointMark> {
    const { savepoints } = this.#undoing();
    return await this.#inTurn('savepoint', () => this.#add(savepoints, name));
  }

  async #add(savepoints: Savepoints, name: string | undefined): Promise<SavepointMark> {
    const made = await savepoints.add(name, this.unsent, () => this.#parts.server.clock());
    this.#parts.admission?.marked(made.mark);
    return made;
  }

  async releaseSavepoint(which: SavepointMark): Promise<void> {
    const { savepoints } = this.#undoing();
    await this.#inTurn('releaseSavepoint', async () => savepoints.release(savepoints.find(which)));
  }

  /** Undoes the calls after a savepoint. If that fails, the transaction is unchanged. */
  async rollbackTo(which: string | SavepointMark): Promise<void> {
    const { savepoints } = this.#undoing();
    // Queries built from now on are not undone.
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
        // The work may have ended the whole transaction itself.
        if (!this.state.ended) await this.releaseSavepoint(made);
        return result;
      } catch (error) {
        await this.#undoWork(made, outer, error);
        throw error;
      }
    });
  }

  /** A second call gets the outcome of the first. */
  commit(): Promise<void> {
    const { word } = this.state;
    if (this.#committing !== undefined && (word === 'draining' || word === 'committing' || word === 'unknown'))
      return this.#committing;
    this.#committing = this.#traced('commit', () => this.#commit.run());
    return this.#committing;
  }

  /** Undoes everything. Never rejects while the transaction is open: nothing of it is applied, whatever happens. */
  async rollback(): Promise<void> {
    const { state } = this;
    const { word } = state;
    // Callers roll back after any failure, so this must repeat that it may have been committed.
    if (word === 'unknown') return await this.#committing;
    if (word === 'draining' || word === 'committing' || word === 'committed') throw state.tooLate('rollback()');
    if (state.ended) return;
    if (word !== 'rollingBack') state.to('rollingBack');
    await this.#traced('rollback', async () => {
      await this.#turns.over();
      await this.#rollback.cancel();
    });
  }

  /** Aborts it: from now on it can only be rolled back. A commit already sent keeps its own outcome. */
  abort(reason: TransactionAbortedError): void {
    const { word } = this.state;
    if (word === 'active' || word === 'draining') this.state.abort(reason);
  }

  /** Its connection or lease has ended. A commit or rollback under way reports its own outcome. */
  lose(cause: unknown): void {
    const { state } = this;
    if (state.word === 'committing' || state.word === 'rollingBack' || state.ended) return;
    if (cause instanceof LeaseReleasedError) state.to('abandoned');
    else state.lose(lost(cause));
  }

  /** Refuses live queries, which are not part of a transaction; other features are left to the server. */
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

  /** Asks the ledger about a call in its turn, before anything of it is sent. */
  #admits(admission: TransactionAdmission): Layer<Call, Answer> {
    return async (call, next) => {
      const asking = admission.admit(call);
      const admitted = asking instanceof Promise ? await asking : asking;
      const { size } = admitted;
      const asked = call.with(size === undefined ? {} : { size });
      this.#admitted?.set(asked, admitted);
      // A hook of the user may have taken long.
      if (asking instanceof Promise) {
        try {
          await this.#whileOpen(asked, nothing);
        } catch (error) {
          admitted.failed(error);
          throw error;
        }
      }
      return await next(asked);
    };
  }

  /** Tells the ledger how a call ended, before a failure aborts the transaction; an answer that is too large is one. */
  readonly #settles: Layer<Call, Answer> = async (call, next) => {
    const admitted = this.#admitted?.get(call);
    let answer: Answer;
    try {
      answer = await next(call);
    } catch (error) {
      admitted?.failed(error);
      throw error;
    }
    admitted?.answered(answer);
    return answer;
  };

  readonly #abortsOnFailure: Layer<Call, Answer> = async (call, next) => {
    const before = this.#parts.savepoints?.log.mark();
    if (before !== undefined) this.#parts.admission?.marked(before);
    let answer: Answer;
    try {
      answer = await next(call);
    } catch (error) {
      // A call refused before it was sent has done nothing.
      if (error instanceof UsageError) throw error;
      throw await this.#failed(error, call.text, before);
    }
    const failed = answer.find(({ error }) => error !== undefined);
    if (failed !== undefined) await this.#failed(failed.error, call.text, before);
    return answer;
  };

  /** Notes that a call failed and returns the error for its caller. */
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

  /** Throws if the transaction has ended or its time is up: a rollback to a savepoint repairs only failed calls. */
  #refuseReturn(): void {
    const { word } = this.state;
    if (word !== 'active' && word !== 'aborted' && word !== 'draining') this.#refuseLateCalls();
    this.#parts.signal?.throwIfAborted();
  }

  /** Brings the transaction back to a place in the log; if that fails, leaves it unchanged and throws. */
  async #undo(mark: Mark): Promise<void> {
    const { undo } = this.#undoing();
    try {
      await this.#traced('rollbackToSavepoint', () => undo.to(mark, () => this.#refuseReturn()));
      this.#parts.admission?.undoneTo(mark);
    } catch (error) {
      const loss = lossOf(error);
      if (loss === undefined) throw this.#parts.signal?.aborted ? this.#parts.signal.reason : error;
      if (!this.state.ended && this.state.word !== 'rollingBack') this.state.lose(loss.ofTransaction);
      throw loss.ofCall;
    }
  }

  /** Undoes nested work that threw. If it cannot be undone, the transaction is aborted. */
  async #undoWork(made: SavepointMark, outer: readonly SavepointMark[], error: unknown): Promise<void> {
    const { state } = this;
    if (state.word !== 'active' && state.word !== 'aborted') return;
    try {
      await this.rollbackTo(made);
      this.#undoing().savepoints.release(made);
    } catch (failure) {
      if (state.ended || this.#parts.signal?.aborted) return;
      // Drop its inner savepoints: going back to one would keep a part of the failed work.
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

  /** Runs a step without a server call, in its turn among the calls. */
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

  /** Sends the last statement of the ledger, if there is one, as a part of the transaction. */
  async #sendLast(admission: TransactionAdmission): Promise<void> {
    let last: LastStatement | undefined;
    try {
      last = admission.last();
      if (last === undefined) return;
      const answer = await this.#parts.server.send(Call.of(last.query));
      const failure = answer.find(({ error }) => error !== undefined)?.error;
      if (failure !== undefined) throw failure;
      last.check(answer);
    } catch (error) {
      throw last?.failed(error) ?? error;
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

const nothing = async (): Promise<Answer> => [];

const guarded: Layer<Call, Answer> = async (call, next) => {
  refuseStatements(call.surrealText, 'transaction');
  return await next(call);
};
