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
import { refuseStatements } from '../surrealql/refused-statements.js';
import { tracedStep } from '../telemetry/channels.js';
import { type Answer, hasFailed } from '../wire/answer.js';
import { AdmittedCalls } from './admitted-calls.js';
import { Commit } from './commit.js';
import type { CommitOutcome } from './commit-fence.js';
import { abortedBy, lossOf } from './failures.js';
import { Nesting } from './nesting.js';
import { lost, Rollback } from './rollback.js';
import {
  type SavepointChannel,
  TransactionSavepoints,
  type TransactionSavepointsParts,
} from './transaction-savepoints.js';
import type { TransactionState } from './transaction-state.js';
import { type Turn, Turns } from './turns.js';

/** The parts of a transaction. */
export interface TransactionParts extends TransactionSavepointsParts {
  readonly lease: LeaseChannel;
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
export class TransactionChannel implements QueryChannel, SavepointChannel {
  /** SurrealDB keeps what a failed statement wrote, so sending it again in the same transaction would be wrong. */
  readonly retry: RetryOptions = { ...conflictRetry, retryable: () => false };
  /** Queries built from the transaction and not sent yet, with the method that built them. */
  readonly unsent: Set<{ readonly name: string }> = new Set();
  readonly nesting: Nesting = new Nesting();
  readonly savepoints: TransactionSavepoints;
  readonly #parts: TransactionParts;
  readonly #turns = new Turns();
  readonly #send: Next<Call, Answer>;
  readonly #commit: Commit;
  readonly #rollback: Rollback;
  #committing: Promise<void> | undefined;

  constructor(parts: TransactionParts) {
    this.#parts = parts;
    const { lease, server, state, savepoints, verify, admission, trace } = parts;
    this.savepoints = new TransactionSavepoints(parts, this);
    const admitted = admission && new AdmittedCalls(admission, () => this.#refuseUnlessDraining());
    const layers = [this.#whileOpen, guarded];
    if (admitted !== undefined) layers.push(admitted.admits);
    layers.push(this.#abortsOnFailure);
    if (admitted !== undefined) layers.push(admitted.settles);
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
      verify: verify && (() => tracedStep(trace, 'fence', verify)),
      drained: () => this.#turns.over(),
      incomplete: () => this.#incomplete(),
      last: admitted && (() => admitted.sendLast(server)),
    });
  }

  get state(): TransactionState {
    return this.#parts.state;
  }

  /** What the traces of its steps say. */
  get trace(): TransactionParts['trace'] {
    return this.#parts.trace;
  }

  get status(): 'connected' | 'disconnected' {
    return this.state.ended ? 'disconnected' : 'connected';
  }

  async ready(): Promise<void> {
    try {
      this.refuseLateCalls();
    } catch (error) {
      throw await this.forCaller(error);
    }
  }

  async *query<T>(query: BoundQuery, _session: Session): AsyncIterable<QueryChunk<T>> {
    yield* (await this.run(query)) as QueryChunk<T>[];
  }

  /** Gives a call its place in the order. */
  enter(): Turn {
    this.refuseLateCalls();
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

  async inTurn<T>(work: () => Promise<T>, refuse?: () => void): Promise<T> {
    let turn: Turn | undefined;
    try {
      if (refuse === undefined) this.refuseLateCalls();
      else refuse();
      turn = this.#turns.enter();
      await turn.come();
      if (refuse === undefined) this.#refuseUnlessDraining();
      else refuse();
      return await work();
    } catch (error) {
      throw await this.forCaller(error);
    } finally {
      turn?.leave();
    }
  }

  /** The error that a caller of the transaction gets. */
  forCaller(error: unknown, statement?: string): Promise<unknown> {
    return forCaller(error, () => this.#asked(statement));
  }

  #asked(statement?: string): Asked {
    const { lease, trace } = this.#parts;
    return lease.asked(statement, trace.transaction);
  }

  /** A second call gets the outcome of the first. */
  commit(): Promise<void> {
    const { word } = this.state;
    if (this.#committing !== undefined && (word === 'draining' || word === 'committing' || word === 'unknown'))
      return this.#committing;
    this.#committing = tracedStep(this.#parts.trace, 'commit', () => this.#commit.run());
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
    await tracedStep(this.#parts.trace, 'rollback', async () => {
      await this.#turns.over();
      await this.#rollback.cancel();
    });
  }

  /** Aborts it: from now on it can only be rolled back. A commit already sent keeps its own outcome. */
  abort(reason: TransactionAbortedError): void {
    const { word } = this.state;
    if (word === 'active' || word === 'draining') this.state.abort(reason);
  }

  recover(): void {
    this.state.recover(this.#committing === undefined ? 'active' : 'draining');
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
    this.#refuseUnlessDraining();
    return await next(call);
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
      await this.savepoints.undoCall(before);
    } catch (why) {
      this.abort(abortedBy(error, text, why));
    }
    return error;
  }

  /** Refuses a call whose turn has come, unless the commit waits for it. */
  #refuseUnlessDraining(): void {
    if (this.state.word !== 'draining') this.refuseLateCalls();
  }

  refuseLateCalls(): void {
    const { state } = this;
    if (state.word === 'active') return;
    if (state.word === 'abandoned') this.#parts.lease.connection;
    if (state.failure !== undefined && (state.word === 'aborted' || state.word === 'lost')) throw state.failure;
    throw state.tooLate('a call');
  }

  #incomplete(): string | undefined {
    const names = [...this.unsent].map(({ name }) => name);
    if (names.length > 0) {
      return `${names.length} of its queries were made and never sent (${names.join(', ')}); a query is sent when it is awaited`;
    }
    if (!this.nesting.busy) return undefined;
    return 'a withTransaction() or withSavepoint() within it was under way; await it first, and commit outside of it';
  }
}

const guarded: Layer<Call, Answer> = async (call, next) => {
  refuseStatements(call.surrealText, 'transaction');
  return await next(call);
};
