import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { PoolLabel } from './pool-label.js';

/** What every trace says of its pool, and where the server is: undefined for a database in this process. */
export interface PoolTrace {
  /** The name of the pool. */
  readonly pool: string;
  /** The host of the server, as OpenTelemetry's `server.address`. */
  readonly serverAddress: string | undefined;
  /** Its port, as `server.port`. */
  readonly serverPort: number | undefined;
}

/** One call on a connection, as the tracing channel `surreal-pool:query` tells it. Never carries bindings. */
export interface QueryTrace extends PoolTrace {
  readonly connection: number;
  /** The number of its transaction, as in the traces of `surreal-pool:transaction`; undefined outside of one. */
  readonly transaction: number | undefined;
  readonly namespace: string;
  readonly database: string;
  /** The statement as it was sent, with the names of its parameters, not their values. */
  readonly text: string;
}

/** One acquire, as the tracing channel `surreal-pool:acquire` tells it. */
export interface AcquireTrace extends PoolTrace {
  /** What was lent; undefined until then, and when nothing was. */
  connection: number | undefined;
}

/** The opening of one connection, as the tracing channel `surreal-pool:connect` tells it. */
export interface ConnectTrace extends PoolTrace {
  readonly connection: number;
}

/** One step of a transaction, as the tracing channel `surreal-pool:transaction` tells it. */
export interface TransactionTrace extends PoolTrace {
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

/**
 * The same for what answers with errors instead of rejecting with one: it is told as failed with the first of them, and
 * the answer is given all the same.
 *
 * @param failureOf the first error of an answer; undefined when there is none
 */
export async function tracedAnswer<Trace extends object, T>(
  tracing: TracingChannel<string, Trace>,
  trace: Trace,
  work: () => Promise<T>,
  failureOf: (answer: T) => Error | undefined,
): Promise<T> {
  let failed: { readonly answer: T } | undefined;
  const telling = async (): Promise<T> => {
    const answer = await work();
    const failure = failureOf(answer);
    if (failure === undefined) return answer;
    failed = { answer };
    throw failure;
  };
  try {
    return await tracing.tracePromise(telling, trace);
  } catch (error) {
    if (failed !== undefined) return failed.answer;
    throw error;
  }
}

/** What a trace says of its pool. */
export function traceOf({ name, serverAddress, serverPort }: PoolLabel): PoolTrace {
  return { pool: name, serverAddress, serverPort };
}
