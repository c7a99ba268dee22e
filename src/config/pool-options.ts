import type { Duration } from './duration.js';

/**
 * How the pool behaves. Every option may be left out; an option that is `undefined` counts as left out.
 */
export interface PoolConfig {
  /**
   * Connections of its own identity that the pool keeps open while no caller uses them. Default 5, or `maxConnections` if
   * that is less; 0 keeps none.
   */
  minConnections?: number | undefined;
  /** The most connections that are open at the same time. Default 20; at least 1. */
  maxConnections?: number | undefined;
  /**
   * How long one acquire may take in all: the credentials function, `onFirstUse`, waiting, opening and probing; also how long
   * `verifyCommit` may take to find out what became of a commit. Default `"10s"`; 0 or null waits for ever.
   */
  connectionTimeout?: Duration | null | undefined;
  /**
   * How long opening a connection may take, sign-in included, and signing in again in the middle of a lease. A credentials
   * function has 80 % of it. Default `"5s"`; more than 0.
   */
  openTimeout?: Duration | undefined;
  /**
   * How long a connection may take to answer a probe, a socket to answer the ping of `livenessTimeout`, and a server to prove
   * an identity again. Default `"2s"`; more than 0.
   */
  probeTimeout?: Duration | undefined;
  /**
   * How long undoing what a lease changed on its connection may take, switching an idle connection to another identity, and
   * rolling back a transaction. Default `"2s"`; more than 0.
   */
  resetTimeout?: Duration | undefined;
  /**
   * How long closing a connection may take before it is cut off; also closing the engine or the last sockets at the end of a
   * shutdown. Default `"2s"`; more than 0.
   */
  closeTimeout?: Duration | undefined;
  /**
   * How long a call may take; past it the call fails and its connection is closed. An answer that has arrived wins, and a
   * blocked event loop uses up a quarter of the time at most. Default 0; 0 or null: no limit.
   */
  queryTimeout?: Duration | null | undefined;
  /** After how long unused a connection beyond `minConnections` is closed. Default `"5m"`; 0 or null never. */
  idleTimeout?: Duration | null | undefined;
  /** How old a connection may become, 10 % up or down. Default `"30m"`; 0 or null never retires one for its age. */
  maxLifetime?: Duration | null | undefined;
  /** After how many leases a connection is replaced. Default 10,000; 0 or null never. */
  recycleAfterUses?: number | null | undefined;
  /**
   * Whether an idle connection that was not used for `validationInterval` is probed before it is lent. Default true; false:
   * only after the process or its machine stood still, and when its identity has to be proven again.
   */
  validateOnCheckout?: boolean | undefined;
  /** How long a connection counts as proven after its last use, so that it is not probed. Default 500 ms; 0 always probes. */
  validationInterval?: Duration | undefined;
  /**
   * How long a socket may be silent before it is asked for a sign of life; without one within `probeTimeout` it counts
   * as lost. A SurrealDB server says something every five seconds. Default `"15s"`; 0 or null: never asked.
   */
  livenessTimeout?: Duration | null | undefined;
  /** How long a shutdown lets leases finish. Default `"30s"`; 0 aborts them at once. */
  shutdownGracePeriod?: Duration | undefined;
  /**
   * What to do when the work of a `withConnection()` asks for another connection while all are in use: nothing, an event
   * and a line in the log, or `NestedAcquireError` at once. Default `"ignore"`.
   */
  nestedAcquire?: NestedAcquirePolicy | undefined;
  /**
   * A lease held longer than this is reported with the stack of its acquire, and one that was dropped without a release is
   * taken back. Default 0; 0 or null: off, and no stack is taken.
   */
  leakDetectionThreshold?: Duration | null | undefined;
  /**
   * A lease on which nothing was asked for longer than this is reported, once: its holder waits for something else
   * meanwhile. Default 0; 0 or null: off.
   */
  idleLeaseThreshold?: Duration | null | undefined;
  /**
   * How long an idle connection may go without having shown that it works before it is probed, 10 % up or down, a few at
   * a time and only while no caller waits. Default `"30s"`; 0 or null: only before it is lent.
   */
  healthCheckInterval?: Duration | null | undefined;
  /**
   * How old the last proof of who a connection is may be when it is lent: after that the server is asked again whether its
   * token, user and access method are still good. Default `"60s"`; 0 or null: only the end of a token is kept.
   */
  identityCheckInterval?: Duration | null | undefined;
  /**
   * How many probes and calls in a row, on different connections, have to go without an answer before `healthStatus()` says
   * that the pool is not healthy. Default 3; at least 1.
   */
  unhealthyThreshold?: number | undefined;
  /**
   * How many connections may be opening at the same time, not counting those that take much longer than usual; and how many
   * idle ones are probed at the same time when no caller waits. Default 2; at least 1.
   */
  maxConnecting?: number | undefined;
  /** How many acquires may wait although every connection is in use. Default null: no limit; 0: no caller may. */
  maxWaiters?: number | null | undefined;
  /** Whether the pool opens `minConnections` as soon as it starts. Default true; false opens them on demand. */
  warmConnections?: boolean | undefined;
  /** Whether starting the pool fails when no connection can be opened. Default true; false starts it at once and goes on trying. */
  failFast?: boolean | undefined;
  /**
   * How many connections share one WebSocket to a server. Default 1; at most 255: a server takes 256 sessions on a socket,
   * and one of them is its own. A server that takes fewer gets more sockets.
   */
  sessionsPerTransport?: number | undefined;
  /**
   * How many messages of single calls (`pool.query()`, `pool.select()` and the like) may be under way on one connection.
   * Default 0: 1 on servers before 3.2, which hold small answers back on a busy socket, else 8. 1: a call has its connection
   * for itself, or shares it with those in its message. A lease and a transaction always have their connection for
   * themselves.
   */
  pipelining?: number | undefined;
  /**
   * Which single calls go in one message: none (`off`), those that had to wait for a connection (`waiting`), or also those
   * made at the same moment (`always`). Each has its own answer, error and parameters. Default `always`.
   */
  batching?: Batching | undefined;
  /**
   * Whether calls of the pool itself are refused (`UsageError`) that are made outside of any scope: where each request has an
   * identity of its own, a call that was written beside its scope would be made as the pool's user. Default false.
   */
  requireScope?: boolean | undefined;
  /** How failed attempts to open a connection are repeated, and how calls are. */
  retryPolicy?: RetryPolicy | undefined;
  /** When the pool stops trying an endpoint that keeps failing, and refuses at once instead. */
  circuitBreaker?: CircuitBreakerConfig | undefined;
}

/** Which single calls go in one message: none, those that had to wait, or also those made at the same moment. */
export type Batching = 'off' | 'waiting' | 'always';

/** What is done about an acquire by a caller who holds a connection while all are in use. */
export type NestedAcquirePolicy = 'ignore' | 'warn' | 'error';

/**
 * When the pool stops trying an endpoint that keeps failing. Attempts to connect that fail, connections that are lost within
 * a second, and probes and calls without an answer count; an answer, whatever it says, does not.
 */
export interface CircuitBreakerConfig {
  /**
   * Failures in a row that open the circuit: from then on one connection is tried at a time, and a caller is refused at once
   * with `CircuitOpenError` while none is open. Default 5; 0 or null: never.
   */
  failureThreshold?: number | null | undefined;
  /**
   * The longest pause between two attempts while callers ask, also while the circuit is closed; drawn between half of this
   * and all of it. Default `"1s"`, or `idleProbeInterval` if that is less; more than 0.
   */
  probeInterval?: Duration | undefined;
  /** The same while the circuit is open and no caller asks. Default `"4s"`; more than 0. */
  idleProbeInterval?: Duration | undefined;
}

/**
 * How failed attempts to open a connection are repeated, and how calls of the pool and the work of `executeWithRetry()` are,
 * when they may be. The pause before an attempt is drawn at random between 0 and a bound (full jitter); the bound starts at
 * `initialBackoff` and grows by `multiplier` up to `maxBackoff`. While callers ask, attempts to open are never more than
 * `circuitBreaker.probeInterval` apart.
 */
export interface RetryPolicy {
  /**
   * How often the pool tries to open its first connection before starting fails, and how often a call of the pool or the work
   * of `executeWithRetry()` is made in all. Default 3; at least 1.
   */
  maxAttempts?: number | undefined;
  /** The first bound of the pause. Default 50 ms, or `maxBackoff` if that is less; 0 does not pause. */
  initialBackoff?: Duration | undefined;
  /** The largest bound of the pause. Default `"5s"`. */
  maxBackoff?: Duration | undefined;
  /** By what the bound grows after each failure. Default 1.5; at least 1, which never grows. */
  multiplier?: number | undefined;
  /**
   * Whether a call of the pool whose text only reads, for certain, is made again when its connection was lost under way.
   * Default true. Set it to false where reads reach outside the database through what their text does not show: COMPUTED fields
   * or permissions that call `http::` or `sequence::nextval`.
   */
  repeatReads?: boolean | undefined;
}

/** A value of an option as the pool uses it: a duration is milliseconds. */
type ResolvedValue<Given> = number extends Given ? number : Given extends object ? Resolved<Given> : Given;

/** Options with everything filled in. */
export type Resolved<Options> = {
  readonly [Name in keyof Options]-?: ResolvedValue<Exclude<Options[Name], undefined>>;
};

/**
 * {@link PoolConfig} with everything filled in. Durations are milliseconds; 0 stands for "never", "none" or
 * "for ever" wherever {@link PoolConfig} allows 0 or null, and `maxWaiters` is `Infinity` without a limit.
 */
export type ResolvedPoolConfig = Resolved<PoolConfig>;
