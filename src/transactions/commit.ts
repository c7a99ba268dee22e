import type { LeaseChannel } from '../calls/lease-channel.js';
import { CallAbortedError, CommitOutcomeUnknownError, IdentityLostError, LeaseReleasedError } from '../errors/call.js';
import { UsageError } from '../errors/configuration.js';
import { messageOf } from '../errors/error-message.js';
import { outcomeOf } from '../errors/outcome.js';
import { isConflict, isTransactionUnknown } from '../errors/server-errors.js';
import { TransactionAbortedError, TransactionConflictError } from '../errors/transaction.js';
import type { CommitOutcome } from './commit-fence.js';
import { lost, type Rollback } from './rollback.js';
import type { ServerTransaction } from './server-transaction.js';
import type { TransactionState } from './transaction-state.js';

/** What a commit needs. */
export interface CommitParts {
  readonly lease: LeaseChannel;
  readonly server: ServerTransaction;
  readonly state: TransactionState;
  readonly rollback: Rollback;
  /** Finds out the outcome of a commit without an answer; undefined without `verifyCommit`. */
  readonly verify: (() => Promise<CommitOutcome>) | undefined;
  /** Resolves when the calls begun before the commit have ended. */
  readonly drained: () => Promise<void>;
  /** Why the commit would be incomplete; undefined when it is complete. */
  readonly incomplete: () => string | undefined;
  /** Sends the last statement before the commit; undefined when there is none. */
  readonly last: (() => Promise<void>) | undefined;
}

/**
 * The commit of a transaction. It waits for the calls before it, is sent only when the transaction is complete, and
 * reports the outcome.
 */
export class Commit {
  readonly #parts: CommitParts;

  constructor(parts: CommitParts) {
    this.#parts = parts;
  }

  /** @throws see `Transaction.commit()` */
  async run(): Promise<void> {
    const { server, state, drained, last } = this.#parts;
    if (state.word !== 'active' && state.word !== 'aborted') throw state.failure ?? state.tooLate('commit()');
    if (state.word === 'active') state.to('draining');
    await drained();
    await this.#refuseIncomplete();
    if (last !== undefined) await this.#sendLast(last);
    state.to('committing');
    try {
      await server.commit();
    } catch (error) {
      await this.#settle(error);
      return;
    }
    state.to('committed');
  }

  /** Rolls back an incomplete transaction instead of committing it. */
  async #refuseIncomplete(): Promise<void> {
    const { state, rollback, incomplete } = this.#parts;
    if (state.word !== 'draining' && state.word !== 'aborted') throw state.failure ?? state.tooLate('commit()');
    const why = incomplete();
    const { failure } = state;
    if (state.word === 'draining' && why === undefined) return;
    state.to('rollingBack');
    await rollback.cancel();
    throw failure ?? new UsageError(`the transaction was rolled back instead of committed: ${why}`);
  }

  /** Without its last statement a transaction is not committed. */
  async #sendLast(last: () => Promise<void>): Promise<void> {
    const { state, rollback } = this.#parts;
    try {
      await last();
    } catch (error) {
      // The transaction may have been aborted or lost meanwhile, which says more.
      await this.#refuseIncomplete();
      state.to('rollingBack');
      await rollback.cancel();
      throw isConflict(error) ? conflict(error) : error;
    }
    await this.#refuseIncomplete();
  }

  /** Handles a failed commit: returns if it was applied after all, else throws. */
  async #settle(error: unknown): Promise<void> {
    const { lease, state, rollback, verify } = this.#parts;
    if (isConflict(error)) {
      state.to('conflicted');
      throw conflict(error);
    }
    if (error instanceof LeaseReleasedError) {
      state.to('abandoned');
      throw error;
    }
    if (error instanceof CallAbortedError && error.outcome === 'not-sent') {
      state.to('rollingBack');
      await rollback.cancel();
      throw new TransactionAbortedError('the transaction was rolled back: it was aborted before its commit was sent', {
        statement: undefined,
        cause: error,
      });
    }
    const notDone =
      outcomeOf(error) === 'not-sent' || error instanceof IdentityLostError || isTransactionUnknown(error);
    if (notDone) throw state.lose(lost(error));
    const verdict: CommitOutcome = verify === undefined ? { outcome: 'unknown', cause: error } : await verify();
    if (verdict.outcome === 'committed') {
      state.to('committed');
      return;
    }
    if (verdict.outcome === 'not-committed') throw state.lose(lost(error));
    state.to('unknown');
    lease.discard();
    throw new CommitOutcomeUnknownError(
      `the answer to a commit was lost, and it is not known whether it was applied: ${messageOf(verdict.cause)}`,
      { cause: verdict.cause },
    );
  }
}

function conflict(cause: unknown): TransactionConflictError {
  const message = `a concurrent transaction changed the same records first; nothing was applied: ${messageOf(cause)}`;
  return new TransactionConflictError(message, { attempts: 1, cause });
}
