import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { EndpointAddress } from '../endpoints/endpoint-address.js';
import { type PoolLabel, serverOf } from './pool-label.js';
import { contextOf, type Propagating, withTraceContext } from './trace-context.js';
import { traceWork } from './trace-work.js';

/**
 * What every trace says about its pool and server. The server is undefined for a database in this process, and in the
 * trace of an acquire from a pool of several servers.
 */
export interface PoolTrace {
  /** The name of the pool. */
  readonly pool: string;
  /** Counts the pools of the process from 1: several may have one name. */
  readonly poolId: number;
  /** The host of the server, as OpenTelemetry's `server.address`. */
  readonly serverAddress: string | undefined;
  /** Its port, as `server.port`. */
  readonly serverPort: number | undefined;
}

/** One call on a connection, as published on the tracing channel `surreal-pool:query`. Never contains bindings. */
export interface QueryTrace extends PoolTrace, Propagating {
  readonly connection: number;
  /** The number of the lease it was made on, as in the traces of `surreal-pool:acquire`. */
  readonly lease: number;
  /** The number of its transaction, as in the traces of `surreal-pool:transaction`; undefined outside of one. */
  readonly transaction: number | undefined;
  readonly namespace: string;
  readonly database: string;
  /** The statement as it was sent, with the names of its parameters, not their values. */
  readonly text: string;
}

/** One acquire, as published on the tracing channel `surreal-pool:acquire`. */
export interface AcquireTrace extends PoolTrace {
  /** The number of the lent connection; undefined until then, and when none was lent. */
  connection: number | undefined;
  /** How long its caller waited, in milliseconds: 0 when it was served at once. Undefined until it ended. */
  waited: number | undefined;
  /** The number of the lease, unique within the pool; undefined until then, and when none was lent. */
  lease: number | undefined;
  /** Whether it is for one call, which may share its connection with other calls. */
  readonly single: boolean;
  /** What is asked for; `user` in words, as in errors. */
  readonly namespace: string;
  readonly database: string;
  readonly user: string;
  /** The agent whose session acquires; undefined for plain callers. */
  readonly agent: string | undefined;
  /** The most connections the pool may have now. */
  readonly maxConnections: number;
}

/** The end of a lease, as published on the channel `surreal-pool:release`. */
export interface ReleaseMessage extends PoolTrace {
  readonly connection: number;
  readonly lease: number;
}

/** The opening of one connection, as published on the tracing channel `surreal-pool:connect`. */
export interface ConnectTrace extends PoolTrace {
  readonly connection: number;
}

/** One step of a transaction, as published on the tracing channel `surreal-pool:transaction`. */
export interface TransactionTrace extends PoolTrace, Propagating {
  readonly connection: number;
  /** Counts the transactions of a pool from 1. */
  readonly transaction: number;
  /** Counts from 1; grows when `withTransaction()` tries again after a conflict. */
  readonly attempt: number;
  /**
   * `retry` is the pause before the next attempt; `fence` finds out whether a commit without an answer was applied;
   * `rollbackToSavepoint` is also published for a failed call that is undone alone.
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
 * `:asyncStart`, `:asyncEnd` and `:error` of `node:diagnostics_channel`; nothing is built without a subscriber.
 */
export const queryChannel: TracingChannel<string, QueryTrace> = tracingChannel('surreal-pool:query');
export const acquireChannel: TracingChannel<string, AcquireTrace> = tracingChannel('surreal-pool:acquire');
/**
 * The end of each lease whose acquire was traced: {@link ReleaseMessage}. Published while the lease ends, before its
 * connection is given to another.
 */
export const releaseChannel: Channel = channel('surreal-pool:release');
export const connectChannel: TracingChannel<string, ConnectTrace> = tracingChannel('surreal-pool:connect');
export const transactionChannel: TracingChannel<string, TransactionTrace> = tracingChannel('surreal-pool:transaction');
/** Every change of a circuit breaker: `{ pool, poolId, endpoint, state, nextProbeIn }`. */
export const breakerChannel: Channel = channel('surreal-pool:breaker');
/** Every change in the state of one of several servers: `{ pool, poolId, endpoint, state, before }`. */
export const endpointChannel: Channel = channel('surreal-pool:endpoint');
/** Every change in the life of a connection: `{ pool, poolId, event, connection, … }`. */
export const connectionChannel: Channel = channel('surreal-pool:connection');

/** Runs `work` under a tracing channel if it has a subscriber. */
export function traced<Trace extends object, T>(
  tracing: TracingChannel<string, Trace>,
  trace: () => Trace,
  work: () => Promise<T>,
): Promise<T> {
  return tracing.hasSubscribers ? traceWork(tracing, trace(), work) : work();
}

/** Runs one step of a transaction under its tracing channel, likewise. */
export function tracedStep<T>(
  trace: Omit<TransactionTrace, 'step'>,
  step: TransactionTrace['step'],
  work: () => Promise<T>,
): Promise<T> {
  if (!transactionChannel.hasSubscribers) return work();
  const published: TransactionTrace = { ...trace, step };
  return traceWork(transactionChannel, published, () => withTraceContext(contextOf(published), work));
}

/**
 * The part of a trace about its pool and server.
 * @param address of the server; left out, the only one of the pool
 */
export function traceOf(pool: PoolLabel, address?: EndpointAddress): PoolTrace {
  const { serverAddress, serverPort } = address === undefined ? pool : serverOf(address);
  return { pool: pool.name, poolId: pool.id, serverAddress, serverPort };
}
