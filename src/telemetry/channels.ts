import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel';

/** One call on a connection, as the tracing channel `surreal-pool:query` tells it. Never carries bindings. */
export interface QueryTrace {
  readonly pool: string;
  readonly connection: number;
  readonly namespace: string;
  readonly database: string;
  /** The statement as it was sent, with the names of its parameters, not their values. */
  readonly text: string;
}

/** One acquire, as the tracing channel `surreal-pool:acquire` tells it. */
export interface AcquireTrace {
  readonly pool: string;
}

/** The opening of one connection, as the tracing channel `surreal-pool:connect` tells it. */
export interface ConnectTrace {
  readonly pool: string;
  readonly connection: number;
}

/** One step of a transaction, as the tracing channel `surreal-pool:transaction` tells it. */
export interface TransactionTrace {
  readonly pool: string;
  readonly connection: number;
  /** Counts the transactions of a pool from 1. */
  readonly transaction: number;
  /** The first is 1; more when `withTransaction()` tries again after a conflict. */
  readonly attempt: number;
  /**
   * `retry` is the pause before the next attempt; `fence` finds out whether a commit without an answer was applied;
   * `rollbackToSavepoint` is also told of a failed call that is undone alone.
   */
  readonly step:
    | 'begin'
    | 'commit'
    | 'rollback'
    | 'fence'
    | 'retry'
    | 'savepoint'
    | 'rollbackToSavepoint'
    | 'releaseSavepoint';
}

/**
 * The names are part of the public interface. Each traced thing has the channels `tracing:<name>:start`, `:end`,
 * `:asyncStart`, `:asyncEnd` and `:error` of `node:diagnostics_channel`; nothing is built while nobody listens.
 */
export const queryChannel: TracingChannel<string, QueryTrace> = tracingChannel('surreal-pool:query');
export const acquireChannel: TracingChannel<string, AcquireTrace> = tracingChannel('surreal-pool:acquire');
export const connectChannel: TracingChannel<string, ConnectTrace> = tracingChannel('surreal-pool:connect');
export const transactionChannel: TracingChannel<string, TransactionTrace> = tracingChannel('surreal-pool:transaction');
/** Every change of the circuit breaker: `{ pool, state, nextProbeIn }`. */
export const breakerChannel: Channel = channel('surreal-pool:breaker');
/** Every change in the life of a connection: `{ pool, event, connection, … }`. */
export const connectionChannel: Channel = channel('surreal-pool:connection');

/** Runs `work` under a tracing channel when somebody listens to it. */
export function traced<Trace extends object, T>(
  tracing: TracingChannel<string, Trace>,
  trace: () => Trace,
  work: () => Promise<T>,
): Promise<T> {
  return tracing.hasSubscribers ? tracing.tracePromise(work, trace()) : work();
}
