import type { RecordId, Uuid } from 'surrealdb';
import type { Call } from '../calls/call.js';
import type { LeaseChannel } from '../calls/lease-channel.js';
import type { TransactionAdmission, TransactionOutcome } from '../calls/ledger.js';
import { forCaller } from '../errors/for-caller.js';
import { SavepointDivergedError } from '../errors/savepoint.js';
import { isConflict } from '../errors/server-errors.js';
import { TransactionAbortedError, TransactionConflictError } from '../errors/transaction.js';
import type { Emitter } from '../pool/emitter.js';
import type { PoolEvents } from '../pool/events.js';
import { Savepoints } from '../savepoints/savepoints.js';
import { SchemaScan } from '../savepoints/schema-scan.js';
import type { Connection } from '../session/connection.js';
import type { TransactionFaults } from '../surrealql/mended-text.js';
import { type TransactionTrace, tracedStep, traceOf } from '../telemetry/channels.js';
import type { PoolLabel } from '../telemetry/pool-label.js';
import { SavepointCounters } from '../telemetry/savepoint-counters.js';
import { TransactionCounters } from '../telemetry/transaction-counters.js';
import { fullJitterBackoff } from '../time/backoff.js';
import { systemClock } from '../time/clock.js';
import { onAbort } from '../time/on-abort.js';
import { pause } from '../time/pause.js';
import { untilAborted } from '../time/until-aborted.js';
import { type Answer, failureIn } from '../wire/answer.js';
import { openServerTransaction } from './begin.js';
import type { CommitFence, CommitOutcome } from './commit-fence.js';
import { ConnectionTie } from './connection-tie.js';
import { lossOf } from './failures.js';
import { FaultProbe } from './fault-probe.js';
import type { LeaseRoute } from './lease-route.js';
import { ServerTransaction } from './server-transaction.js';
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
import { Undo } from './undo.js';
import { afterFailure } from './work-failure.js';

/** What the transactions of one pool share. */
export interface TransactionsSettings {
  readonly pool: PoolLabel;
  readonly fence: CommitFence;
  readonly events: Emitter<PoolEvents>;
  /** How long a rollback may take, in milliseconds. */
  readonly rollbackTimeout: number;
}

/** The work of a transaction on its channel. `attempt` counts from 1. */
type ChannelWork<T> = (channel: TransactionChannel, attempt: number) => PromiseLike<T> | T;

/** Which transaction of the pool, and which attempt of its work. */
type Numbers = Pick<TransactionTrace, 'transaction' | 'attempt'>;

/** The transactions of one pool: begins them, runs work in them, counts them. */
export class Transactions {
  readonly counters: TransactionCounters = new TransactionCounters();
  readonly savepointCounters: SavepointCounters = new SavepointCounters();
  readonly #settings: TransactionsSettings;
  readonly #probe = new FaultProbe();
  readonly #schema = new SchemaScan();
  #begun = 0;
  #toldOfOwnWrites = false;

  constructor(settings: TransactionsSettings) {
    this.#settings = settings;
  }

  /** Begins a transaction on the connection of a lease. From now on the queries of the lease run in it. */
  async begin(route: LeaseRoute, options: TransactionOptions): Promise<Transaction> {
    const settings = readTransactionOptions(options);
    const admission = admittedOn(route.lease);
    const deadline = deadlineOf(settings, route.lease, admission);
    try {
      const channel = await this.#begin(route, settings, deadline, this.#next(1), admission);
      if (channel.state.ended) deadline.end();
      else channel.state.atEnd(deadline);
      if (admission !== undefined) tellAtEnd(channel.state, admission);
      return new Transaction(channel, route.lease.connection.session);
    } catch (error) {
      admission?.ended('not-begun', error);
      deadline.end();
      throw await forCaller(error, () => route.lease.asked());
    }
  }

  /** Sends one call in a transaction of its own, which is repeated after a conflict. A failed statement undoes all of it. */
  async send(route: LeaseRoute, call: Call, admission: TransactionAdmission): Promise<Answer> {
    return await this.#run(
      route,
      async (channel) => {
        const answer = await channel.runCall(call.again());
        const failure = failureIn(answer);
        if (failure !== undefined) throw failure;
        return answer;
      },
      {},
      admission,
    );
  }

  /**
   * Runs work in a transaction: commits when it returns, rolls back when it throws. Starts again after a conflict, or
   * when a rollback to a savepoint failed because others had changed what it reads. Only work that was certainly not
   * applied is repeated. The retry budget does not count here: a conflict is the answer of a working server, and the
   * number of attempts and the time of the transaction bound the repeats.
   */
  async run<T>(route: LeaseRoute, work: TransactionWork<T>, options: WithTransactionOptions): Promise<T> {
    const run = (channel: TransactionChannel, attempt: number): PromiseLike<T> | T =>
      work(new Transaction(channel, route.lease.connection.session), attempt);
    return await this.#run(route, run, options, undefined);
  }

  async #run<T>(
    route: LeaseRoute,
    work: ChannelWork<T>,
    options: WithTransactionOptions,
    given: TransactionAdmission | undefined,
  ): Promise<T> {
    const settings = readTransactionOptions(options);
    const retry = readRetryOptions(options.retry);
    const pauseAfter = fullJitterBackoff(retry, Math.random);
    const admission = given ?? admittedOn(route.lease);
    const deadline = deadlineOf(settings, route.lease, admission);
    const last: { channel?: TransactionChannel; error?: unknown } = {};
    try {
      for (let attempt = 1; ; attempt++) {
        const numbers = this.#next(attempt);
        let channel: TransactionChannel;
        try {
          channel = await this.#begin(route, settings, deadline, numbers, admission);
          last.channel = channel;
        } catch (error) {
          throw await forCaller(error, () => route.lease.asked(undefined, numbers.transaction));
        }
        try {
          return await this.#attempt(channel, work, deadline, attempt);
        } catch (error) {
          last.error = error;
          const { word } = channel.state;
          const mayBeApplied = word === 'committed' || word === 'unknown';
          if (mayBeApplied || (!isConflict(error) && !isDivergence(error))) throw error;
          const length = pauseAfter(attempt);
          const final = (): Promise<unknown> => afterAttempts(error, attempt, channel);
          if (attempt >= retry.maxAttempts || length >= deadline.left) throw await final();
          this.counters.count('retries');
          const waiting = (): Promise<boolean> => pauseOn(route.lease, length, deadline.signal);
          const lasted = await tracedStep(channel.trace, 'retry', waiting);
          if (deadline.signal?.aborted) throw await channel.forCaller(deadline.signal.reason);
          // The lease or its connection has ended, so it cannot be repeated.
          if (!lasted) throw await final();
          admission?.restarted();
        }
      }
    } catch (error) {
      last.error = error;
      throw error;
    } finally {
      deadline.end();
      admission?.ended(last.channel === undefined ? 'not-begun' : outcomeFor(last.channel.state), last.error);
    }
  }

  async #attempt<T>(
    channel: TransactionChannel,
    work: ChannelWork<T>,
    deadline: TransactionDeadline,
    attempt: number,
  ): Promise<T> {
    let result: T;
    try {
      const working = channel.nesting.runWhole(async () => await work(channel, attempt));
      result = await within(working, deadline.signal);
    } catch (error) {
      const told = await afterFailure(channel, error, deadline.signal);
      // An error thrown by the work has already reached its caller once.
      const isMadeHere = told !== error || error === deadline.signal?.reason;
      throw isMadeHere ? await channel.forCaller(told) : told;
    }
    // The work may have committed or rolled back itself.
    if (channel.state.word === 'committed' || channel.state.word === 'rolledBack') return result;
    try {
      await channel.commit();
    } catch (error) {
      throw await channel.forCaller(error);
    }
    return result;
  }

  #begin(
    route: LeaseRoute,
    settings: TransactionSettings,
    deadline: TransactionDeadline,
    numbers: Numbers,
    admission: TransactionAdmission | undefined,
  ): Promise<TransactionChannel> {
    const { lease } = route;
    return lease.during(
      () => route.begin(() => this.#open(lease, settings, deadline, numbers, admission)),
      deadline.signal,
    );
  }

  async #open(
    lease: LeaseChannel,
    settings: TransactionSettings,
    { signal }: TransactionDeadline,
    numbers: Numbers,
    admission: TransactionAdmission | undefined,
  ): Promise<TransactionChannel> {
    signal?.throwIfAborted();
    const preparing = admission?.prepare();
    if (preparing !== undefined) await within(preparing, signal);
    const { fence, events, rollbackTimeout } = this.#settings;
    const { connection } = lease;
    const bounded = signal === undefined ? lease : lease.withSignal(signal);
    const marker = settings.verifyCommit ? fence.newMarker() : undefined;
    const wishes = { fence, marker, allowWithoutUser: settings.allowWithoutUser };
    const begunAt = Date.now();
    const openWitness = (): Promise<Uuid> => openServerTransaction(bounded, { ...wishes, marker: undefined });
    const open = async (): Promise<Uuid> => {
      if (marker === undefined) return await openWitness();
      return await fence.openMarked(connection, marker, signal, () => openServerTransaction(bounded, wishes));
    };
    const trace = { ...traceOf(this.#settings.pool, connection.endpoint), connection: connection.id, ...numbers };
    let first: Uuid;
    let faults: TransactionFaults;
    try {
      [first, faults] = await tracedStep(trace, 'begin', async () => {
        const found = await this.#probe.faultsOf(bounded);
        return [await open(), found];
      });
      // Throws if the lease has ended; then the reset undoes what was begun.
      lease.connection;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      // No commit was sent, whether or not the begin was executed.
      throw lossOf(error)?.ofTransaction ?? error;
    }

    const state = new TransactionState(this.counters);
    const server = new ServerTransaction(
      { lease, bounded, rollbackTimeout, number: numbers.transaction, faults, open, openWitness },
      first,
    );
    const savepoints = settings.savepoints ? new Savepoints(this.savepointCounters) : undefined;
    const channel = new TransactionChannel({
      lease,
      signal,
      server,
      state,
      trace,
      savepoints,
      undo: savepoints && new Undo(server, savepoints, this.#schema, this.savepointCounters),
      admission,
      undoesFailures: settings.onStatementError === 'savepoint',
      onMendingRefused: () => this.#tellOfOwnWrites(),
      verify: marker && (() => this.#verify(connection, marker, begunAt, signal)),
      onRollbackFailed: (error) => {
        if (events.has('rollbackFailed')) events.emit('rollbackFailed', { connection: connection.id, error });
      },
    });
    new ConnectionTie(channel, connection, events);
    if (signal !== undefined) abortWith(signal, channel);
    return channel;
  }

  #tellOfOwnWrites(): void {
    if (this.#toldOfOwnWrites) return;
    this.#toldOfOwnWrites = true;
    process.emitWarning(
      'SurrealDB 3.0 shows a transaction records that it has written without their ids, and this user may not empty the cache that is the cause: read them by what they contain, or upgrade the server to 3.1',
      { type: 'SurrealPoolWarning', code: 'SURREAL_POOL_OWN_WRITES' },
    );
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
}

/** Counts a transaction, if the caller of the lease has limits of its own. */
function admittedOn(lease: LeaseChannel): TransactionAdmission | undefined {
  const { ledger } = lease;
  if (ledger === undefined) return undefined;
  // Throws first if the lease has ended: then there is no transaction to count.
  lease.assertUsable();
  return ledger.admitTransaction();
}

function deadlineOf(
  { timeout, signal }: TransactionSettings,
  lease: LeaseChannel,
  admission: TransactionAdmission | undefined,
): TransactionDeadline {
  const signals = [signal, lease.signal];
  const maxAge = admission?.maxAge ?? 0;
  if (admission === undefined || maxAge === 0 || (timeout > 0 && timeout <= maxAge)) {
    return new TransactionDeadline(timeout, signals);
  }
  return new TransactionDeadline(maxAge, signals, () => admission.tooOld());
}

/** Tells the ledger how a transaction ended. */
function tellAtEnd(state: TransactionState, admission: TransactionAdmission): void {
  const end = (): void => admission.ended(outcomeFor(state), state.failure);
  if (state.ended) end();
  else state.atEnd({ end });
}

function outcomeFor({ word }: TransactionState): TransactionOutcome {
  if (word === 'committed') return word;
  return word === 'unknown' ? word : 'aborted';
}

/**
 * Aborts an open transaction with a signal, which must not reference the lease: the pool takes back a lease that no
 * code references.
 */
function abortWith(signal: AbortSignal, channel: TransactionChannel): void {
  const open = new WeakRef(channel);
  channel.state.atEnd({ end: onAbort(signal, () => open.deref()?.abort(signal.reason)) });
}

/** Settles as the work does, or rejects when the signal aborts; the work itself goes on. */
function within<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return signal === undefined ? work : untilAborted(work, signal);
}

/** Waits between two attempts. False as soon as the lease or its connection ends. */
async function pauseOn(lease: LeaseChannel, length: number, signal: AbortSignal | undefined): Promise<boolean> {
  const over = new AbortController();
  const end = (): void => over.abort();
  let dependents: Set<(error: Error) => void>;
  try {
    ({ dependents } = lease.connection);
  } catch {
    return false;
  }
  dependents.add(end);
  try {
    return await pause(systemClock, length, [signal, over.signal]);
  } finally {
    dependents.delete(end);
  }
}

/** Adds the number of attempts to a conflict of the commit; a conflict thrown by the work is left as it is. */
async function afterAttempts(error: unknown, attempts: number, channel: TransactionChannel): Promise<unknown> {
  if (!(error instanceof TransactionConflictError)) return error;
  const tried = attempts === 1 ? '' : ` (tried ${attempts} times)`;
  const { message, cause } = error;
  return await channel.forCaller(new TransactionConflictError(`${message}${tried}`, { attempts, cause }));
}

/** Whether the transaction failed because a rollback to a savepoint met changes by others. */
function isDivergence(error: unknown): boolean {
  const cause = error instanceof TransactionAbortedError ? error.cause : error;
  return cause instanceof SavepointDivergedError && cause.retryable;
}
