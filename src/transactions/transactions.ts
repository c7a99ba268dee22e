import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordId, Uuid } from 'surrealdb';
import { isConflict } from '../connection/classification.js';
import type { Connection } from '../connection/connection.js';
import type { LeaseChannel } from '../connection/lease-channel.js';
import { untilAborted } from '../connection/until-aborted.js';
import { SavepointDivergedError, TransactionAbortedError, TransactionConflictError, UsageError } from '../errors.js';
import { onAbort } from '../on-abort.js';
import type { Emitter, PoolEvents } from '../pool/events.js';
import { fullJitterBackoff } from '../resilience/backoff.js';
import { type TransactionTrace, traced, transactionChannel } from '../telemetry/channels.js';
import { SavepointCounters } from '../telemetry/savepoint-counters.js';
import { TransactionCounters } from '../telemetry/transaction-counters.js';
import type { CommitFence, CommitOutcome } from './commit-fence.js';
import { ConnectionTie } from './connection-tie.js';
import { ReplaceableTransaction } from './replaceable-transaction.js';
import { Savepoints } from './savepoints.js';
import { openServerTransaction } from './server-transaction.js';
import { Transaction, type TransactionWork } from './transaction.js';
import { TransactionChannel } from './transaction-channel.js';
import { TransactionDeadline } from './transaction-deadline.js';
import {
  readRetryOptions,
  readTransactionOptions,
  type TransactionOptions,
  type TransactionSettings,
  type WithTransactionOptions,
} from './transaction-options.js';
import { TransactionState } from './transaction-state.js';

/** What the transactions of one pool share. */
export interface TransactionsSettings {
  readonly pool: string;
  readonly fence: CommitFence;
  readonly events: Emitter<PoolEvents>;
  /** How long a rollback may take, in milliseconds. */
  readonly rollbackTimeout: number;
}

/** Which transaction of the pool, and which attempt of its work. */
type Numbers = Pick<TransactionTrace, 'transaction' | 'attempt'>;

/** The transactions of one pool: begins them, runs work in them, counts them. */
export class Transactions {
  readonly counters: TransactionCounters = new TransactionCounters();
  readonly savepointCounters: SavepointCounters = new SavepointCounters();
  readonly #settings: TransactionsSettings;
  readonly #beginning = new WeakSet<LeaseChannel>();
  #begun = 0;

  constructor(settings: TransactionsSettings) {
    this.#settings = settings;
  }

  /** Begins a transaction on the connection of a lease, whose own queries run in it from now on. */
  async begin(lease: LeaseChannel, options: TransactionOptions): Promise<Transaction> {
    const settings = readTransactionOptions(options);
    const deadline = new TransactionDeadline(settings.timeout, [settings.signal, lease.signal]);
    try {
      return await this.#begin(lease, settings, deadline, true, this.#next(1));
    } catch (error) {
      deadline.end();
      throw error;
    }
  }

  /**
   * Runs work in a transaction: commits when it returns, rolls back when it throws, and begins again after a conflict or
   * when it could not be rolled back to a savepoint because others had changed what it reads.
   */
  async run<T>(lease: LeaseChannel, work: TransactionWork<T>, options: WithTransactionOptions): Promise<T> {
    const settings = readTransactionOptions(options);
    const retry = readRetryOptions(options.retry);
    const pauseAfter = fullJitterBackoff(retry, Math.random);
    const deadline = new TransactionDeadline(settings.timeout, [settings.signal, lease.signal]);
    try {
      for (let attempt = 1; ; attempt++) {
        const numbers = this.#next(attempt);
        try {
          return await this.#attempt(lease, work, settings, deadline, numbers);
        } catch (error) {
          if (!isConflict(error) && !isDivergence(error)) throw error;
          const pause = pauseAfter(attempt);
          if (attempt >= retry.maxAttempts || pause >= deadline.left) throw afterAttempts(error, attempt);
          this.counters.count('retries');
          const trace = () => this.#trace(lease, numbers, 'retry');
          await traced(transactionChannel, trace, () => within(sleep(pause), deadline.signal));
        }
      }
    } finally {
      deadline.end();
    }
  }

  async #attempt<T>(
    lease: LeaseChannel,
    work: TransactionWork<T>,
    settings: TransactionSettings,
    deadline: TransactionDeadline,
    numbers: Numbers,
  ): Promise<T> {
    const transaction = await this.#begin(lease, settings, deadline, false, numbers);
    let result: T;
    try {
      result = await within((async () => await work(transaction, numbers.attempt))(), deadline.signal);
    } catch (error) {
      const { state } = transaction;
      if (state === 'active' || state === 'aborted') await transaction.rollback();
      throw error;
    }
    // Work may have ended it by itself, one way or the other.
    if (transaction.state !== 'committed' && transaction.state !== 'rolledBack') await transaction.commit();
    return result;
  }

  async #begin(
    lease: LeaseChannel,
    settings: TransactionSettings,
    deadline: TransactionDeadline,
    ownsDeadline: boolean,
    numbers: Numbers,
  ): Promise<Transaction> {
    if (lease.inside?.status === 'connected' || this.#beginning.has(lease)) {
      throw new UsageError('a transaction is open on this connection already: commit it or roll it back first');
    }
    const { signal } = deadline;
    signal?.throwIfAborted();
    const { fence, events, rollbackTimeout } = this.#settings;
    const { connection } = lease;
    const bounded = signal === undefined ? lease : lease.bounded(signal);
    const marker = settings.verifyCommit ? fence.newMarker() : undefined;
    const begunAt = Date.now();
    const beginning = performance.now();
    const open = async (): Promise<Uuid> => {
      const wishes = { fence, marker, allowWithoutUser: settings.allowWithoutUser };
      const begin = (): Promise<Uuid> => openServerTransaction(bounded, wishes);
      return await (marker === undefined ? begin() : fence.openMarked(connection, marker, signal, begin));
    };
    this.#beginning.add(lease);
    let server: Uuid;
    try {
      server = await traced(transactionChannel, () => this.#trace(lease, numbers, 'begin'), open);
      // The lease may be over by now, and the reset undoes what was begun.
      lease.connection;
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    } finally {
      this.#beginning.delete(lease);
    }

    const state = new TransactionState(this.counters);
    if (ownsDeadline) state.atEnd(deadline);
    const channel = new TransactionChannel({
      lease,
      signal,
      server: new ReplaceableTransaction({ lease, bounded, rollbackTimeout, open }, server, beginning),
      state,
      trace: this.#trace(lease, numbers, 'begin'),
      savepoints: settings.savepoints ? new Savepoints(this.savepointCounters) : undefined,
      undoesFailures: settings.onStatementError === 'savepoint',
      verify: marker && (() => this.#verify(connection, marker, begunAt, signal)),
      onRollbackFailed: (error) => {
        if (events.has('rollbackFailed')) events.emit('rollbackFailed', { connection: connection.id, error });
      },
    });
    new ConnectionTie(channel, connection, events);
    if (signal !== undefined) state.atEnd({ end: onAbort(signal, () => channel.abort(signal.reason)) });
    lease.inside = channel;
    return new Transaction(channel, connection.session);
  }

  async #verify(
    connection: Connection,
    marker: RecordId,
    begunAt: number,
    signal: AbortSignal | undefined,
  ): Promise<CommitOutcome> {
    const verdict = await this.#settings.fence.settle(connection, marker, begunAt, signal);
    if (verdict.outcome !== 'unknown') this.counters.count('fenced');
    return verdict;
  }

  #next(attempt: number): Numbers {
    return { transaction: ++this.#begun, attempt };
  }

  #trace(lease: LeaseChannel, numbers: Numbers, step: TransactionTrace['step']): TransactionTrace {
    return { pool: this.#settings.pool, connection: lease.connection.id, ...numbers, step };
  }
}

/** The outcome of work, or the reason of the signal; the work itself goes on. */
function within<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return signal === undefined ? work : untilAborted(work, signal);
}

/** A conflict of the commit tells how often it was tried; one that the work threw is the caller's own. */
function afterAttempts(error: unknown, attempts: number): unknown {
  if (!(error instanceof TransactionConflictError)) return error;
  const tried = attempts === 1 ? '' : ` (tried ${attempts} times)`;
  return new TransactionConflictError(`${error.message}${tried}`, { attempts, cause: error.cause });
}

/** Whether a rollback to a savepoint failed because of others, and that is why the transaction failed. */
function isDivergence(error: unknown): boolean {
  const cause = error instanceof TransactionAbortedError ? error.cause : error;
  return cause instanceof SavepointDivergedError;
}
