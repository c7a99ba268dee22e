import type { TransactionAdmission } from '../calls/ledger.js';
import { UsageError } from '../errors/configuration.js';
import type { Mark } from '../savepoints/call-log.js';
import type { SavepointMark, Savepoints } from '../savepoints/savepoints.js';
import { type TransactionTrace, tracedStep } from '../telemetry/channels.js';
import { lossOf, notUndone } from './failures.js';
import type { Nesting } from './nesting.js';
import type { ServerTransaction } from './server-transaction.js';
import type { TransactionState } from './transaction-state.js';
import type { Undo } from './undo.js';

/** The parts of a transaction that its savepoints use. */
export interface TransactionSavepointsParts {
  /** Aborted when the time of the transaction is up. */
  readonly signal: AbortSignal | undefined;
  readonly server: ServerTransaction;
  readonly state: TransactionState;
  readonly trace: Omit<TransactionTrace, 'step'>;
  /** Undefined with `savepoints: false`. */
  readonly savepoints: Savepoints | undefined;
  readonly undo: Undo | undefined;
  /** Asked about each call and told what is undone, if the caller has limits of its own. */
  readonly admission: TransactionAdmission | undefined;
}

/** What savepoints ask of the channel of their transaction. */
export interface SavepointChannel {
  /** Queries built from the transaction and not sent yet. */
  readonly unsent: Set<{ readonly name: string }>;
  readonly nesting: Nesting;
  /**
   * Runs a step that is no call, in its turn among the calls.
   * @param refuse throws when the step is not possible any more; left out, as for a call
   */
  inTurn<T>(work: () => Promise<T>, refuse?: () => void): Promise<T>;
  /** @throws the error for a call that comes too late */
  refuseLateCalls(): void;
  /** The failed call that aborted the transaction was undone. */
  recover(): void;
}

/** The savepoints of one transaction, as its callers use them: each step has its turn among the calls. */
export class TransactionSavepoints {
  readonly #parts: TransactionSavepointsParts;
  readonly #channel: SavepointChannel;

  constructor(parts: TransactionSavepointsParts, channel: SavepointChannel) {
    this.#parts = parts;
    this.#channel = channel;
  }

  /** Makes a savepoint after the calls begun before it. */
  async make(name?: string): Promise<SavepointMark> {
    const { savepoints } = this.#undoing();
    const { admission, server } = this.#parts;
    return await this.#step('savepoint', async () => {
      const made = await savepoints.add(name, this.#channel.unsent, () => server.clock());
      admission?.marked(made.mark);
      return made;
    });
  }

  async release(which: SavepointMark): Promise<void> {
    const { savepoints } = this.#undoing();
    await this.#step('releaseSavepoint', async () => savepoints.release(savepoints.find(which)));
  }

  /** Undoes the calls after a savepoint. If that fails, the transaction is unchanged. */
  async rollbackTo(which: string | SavepointMark): Promise<void> {
    const { savepoints } = this.#undoing();
    const { unsent } = this.#channel;
    // Queries built from now on are not undone.
    const unsentNow = [...unsent];
    const refuse = (): void => this.#refuseReturn();
    await this.#channel.inTurn(async () => {
      const made = savepoints.find(which);
      await this.#undo(made.mark);
      savepoints.keepUpTo(made);
      for (const query of unsentNow) if (!made.unsent.has(query)) unsent.delete(query);
      if (this.#parts.state.word === 'aborted') this.#channel.recover();
    }, refuse);
  }

  /** Runs work that is undone alone when it throws. */
  async within<T>(work: () => PromiseLike<T> | T): Promise<T> {
    return await this.#channel.nesting.run(async (isInnermost) => {
      const made = await this.make();
      const outer = this.#undoing().savepoints.made.filter((savepoint) => savepoint !== made);
      try {
        const result = await work();
        if (!isInnermost())
          throw new UsageError('a withTransaction() or withSavepoint() within this one was not awaited');
        // The work may have ended the whole transaction itself.
        if (!this.#parts.state.ended) await this.release(made);
        return result;
      } catch (error) {
        await this.#undoWork(made, outer, error);
        throw error;
      }
    });
  }

  /** Undoes a failed call alone, within its own turn. */
  async undoCall(before: Mark): Promise<void> {
    this.#refuseReturn();
    await this.#undo(before);
  }

  /** Throws if the transaction has ended or its time is up: a rollback to a savepoint repairs only failed calls. */
  #refuseReturn(): void {
    const { state, signal } = this.#parts;
    const { word } = state;
    if (word !== 'active' && word !== 'aborted' && word !== 'draining') this.#channel.refuseLateCalls();
    signal?.throwIfAborted();
  }

  /** Brings the transaction back to a place in the log; if that fails, leaves it unchanged and throws. */
  async #undo(mark: Mark): Promise<void> {
    const { undo } = this.#undoing();
    const { admission, signal, state, trace } = this.#parts;
    try {
      await tracedStep(trace, 'rollbackToSavepoint', () => undo.to(mark, () => this.#refuseReturn()));
      admission?.undoneTo(mark);
    } catch (error) {
      const loss = lossOf(error);
      if (loss === undefined) throw signal?.aborted ? signal.reason : error;
      if (!state.ended && state.word !== 'rollingBack') state.lose(loss.ofTransaction);
      throw loss.ofCall;
    }
  }

  /** Undoes nested work that threw. If it cannot be undone, the transaction is aborted. */
  async #undoWork(made: SavepointMark, outer: readonly SavepointMark[], error: unknown): Promise<void> {
    const { state, signal } = this.#parts;
    if (state.word !== 'active' && state.word !== 'aborted') return;
    try {
      await this.rollbackTo(made);
      this.#undoing().savepoints.release(made);
    } catch (failure) {
      if (state.ended || signal?.aborted) return;
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

  #step<T>(step: TransactionTrace['step'], work: () => Promise<T>): Promise<T> {
    return this.#channel.inTurn(() => tracedStep(this.#parts.trace, step, work));
  }
}
