import type { Duration } from './duration.js';
import type { BalancingConfig, DiscoveryConfig } from './endpoint-options.js';

// The tables of docs/configuration.md are made of these docstrings (npm run docs): the sentence that begins with "Default" is
// split at its first semicolon into the columns of the default and of what is allowed. The schema holds the default that counts.

/**
 * How the pool behaves. Every option may be left out; an option that is `undefined` counts as left out.
 */
export interface PoolConfig {
  /**
   * Connections of the pool's own identity that stay open while no caller uses them. Default `5`, or `maxConnections` if that
   * is less; 0 keeps none.
   */
  minConnections?: number | undefined;
  /** The most connections that are open at the same time. Default `20`; at least 1. */
  maxConnections?: number | undefined;
  /**
   * How long one acquire may take in all: the credentials function, `onFirstUse`, waiting, opening and probing. Also how long
   * `verifyCommit` may take to find out what became of a commit. Default `10s`; 0 or null waits for ever.
   */
  connectionTimeout?: Duration | null | undefined;
  /**
   * How long opening a connection may take, sign-in included; a credentials function has 80 % of it. Also how long signing in
   * again in the middle of a lease, renewing a token, and each attempt of `verifyCommit` may take. Default `5s`; more than 0.
   */
  openTimeout?: Duration | undefined;
  /**
   * How long a connection may take to answer a probe before it is replaced, a socket to answer the ping of `livenessTimeout`,
   * and a server to prove an identity again. Default `2s`; more than 0.
   */
  probeTimeout?: Duration | undefined;
  /**
   * How long undoing what a lease changed may take before the connection is replaced. Also switching an idle connection to
   * another identity, rolling back a transaction, and ending the connection of `onFirstUse`. Default `2s`; more than 0.
   */
  resetTimeout?: Duration | undefined;
  /**
   * How long a polite close may take before the connection is cut off. Also the close of the engine or the last sockets at the
   * end of a shutdown. Default `2s`; more than 0.
   */
  closeTimeout?: Duration | undefined;
  /**
   * How long a call may take; past it the call fails with `QueryTimeoutError` and its connection is closed, since the server may
   * still be at it. An answer that has arrived wins, and a blocked event loop uses up a quarter of the time at most. The missing
   * answer also counts for `unhealthyThreshold` and for the circuit. Default `0`; 0 or null: no limit.
   */
  queryTimeout?: Duration | null | undefined;
  /**
   * After how long unused a connection beyond `minConnections` is closed: one by one, so that a burst that comes back finds most
   * of them. Default `5m`; 0 or null: never.
   */
  idleTimeout?: Duration | null | undefined;
  /** How old a connection may become; each draws its own age, 10 % up or down. Default `30m`; 0 or null: never too old. */
  maxLifetime?: Duration | null | undefined;
  /** After how many leases a connection is replaced. Default `10000`; 0 or null: never. */
  recycleAfterUses?: number | null | undefined;
  /**
   * Whether an idle connection that was not used for `validationInterval` is probed before it is lent. With `false`, only after
   * the process or its machine stood still, and when its identity has to be proven again; new connections are probed while
   * openings prove little, and idle ones every `healthCheckInterval`. Default `true`.
   */
  validateOnCheckout?: boolean | undefined;
  /**
   * How long after its last use a connection counts as proven and is lent without a probe. Default `500ms`; 0: it is always
   * probed.
   */
  validationInterval?: Duration | undefined;
  /**
   * How long a socket may be silent before it is asked for a sign of life; without one within `probeTimeout` it counts as lost.
   * A SurrealDB server says something every five seconds. Default `15s`, with several servers `4500ms`, since another one can take
   * over; 0 or null: it is never asked.
   */
  livenessTimeout?: Duration | null | undefined;
  /** How long a shutdown lets leases finish. Default `30s`; 0 aborts them at once. */
  shutdownGracePeriod?: Duration | undefined;
  /**
   * What to do when the work of a `withConnection()` asks for another connection while all are in use: nothing (`ignore`), an
   * event and a line in the log (`warn`), or `NestedAcquireError` at once (`error`). Default `ignore`.
   */
  nestedAcquire?: NestedAcquirePolicy | undefined;
  /**
   * A lease held longer than this is reported, once, with the stack of its acquire; and a lease that was dropped without a
   * release, however short, is taken back when the garbage collector finds it. Default `0`; 0 or null: off, and no stack is taken.
   */
  leakDetectionThreshold?: Duration | null | undefined;
  /**
   * A lease on which nothing was asked for longer than this is reported, once, with the stack of its acquire: its holder waits
   * for something else (a model, a person, another service) while others may wait for the connection. Default `0`; 0 or null: off.
   */
  idleLeaseThreshold?: Duration | null | undefined;
  /**
   * How long an idle connection may go without having shown that it works before it is probed, 10 % up or down, a few at a time,
   * and only while no caller waits. Default `30s`; 0 or null: only before it is lent.
   */
  healthCheckInterval?: Duration | null | undefined;
  /**
   * How old the last proof of who a connection is may be when it is lent. After that the server is asked again whether its token,
   * user and access method are still good. Default `1m`; 0 or null: only the end of a token is kept.
   */
  identityCheckInterval?: Duration | null | undefined;
  /**
   * How many probes and calls in a row, on different connections, go without an answer before `healthStatus()` says that the pool
   * is not healthy, and `healthChanged` tells it. The other reasons not to be healthy do not depend on it. Default `3`; at least 1.
   */
  unhealthyThreshold?: number | undefined;
  /**
   * How many connections to one server may be opening at the same time, so that a start or a recovery does not storm it; those that
   * take much longer than usual do not count. Also how many idle ones are probed at the same time when no caller waits. Default `2`; at
   * least 1.
   */
  maxConnecting?: number | undefined;
  /**
   * How many acquires may wait although every connection is in use; one more is refused at once with `QueueFullError`. Default
   * `null`; null: no limit, 0: no caller may wait.
   */
  maxWaiters?: number | null | undefined;
  /** When waiters are refused because callers wait too long, so that those who are served do not. */
  loadShedding?: LoadSheddingConfig | undefined;
  /** Whether `minConnections` are opened as soon as the pool starts, instead of on demand. Default `true`. */
  warmConnections?: boolean | undefined;
  /**
   * Whether starting the pool fails when no connection can be opened; with `false` it starts at once and goes on trying. Default
   * `true`.
   */
  failFast?: boolean | undefined;
  /**
   * How many connections share one WebSocket: a server takes 256 sessions on a socket, and one is its own. A server that takes fewer
   * gets more sockets. An embedded database has one engine for all. Default `1`; from 1 to 255.
   */
  sessionsPerTransport?: number | undefined;
  /**
   * How many messages of single calls (`pool.query()`, `pool.select()` and the like) may be under way on one connection; with 1 a
   * call has its connection for itself, or shares it with those in its message. Servers before 3.2 hold small answers back on a busy
   * socket. Leases and transactions always have their connection for themselves. Default `0`; 0: 1 on servers before 3.2, else 8; at
   * most 1,024.
   */
  pipelining?: number | undefined;
  /**
   * Which single calls go in one message: none (`off`), those that had to wait for a connection (`waiting`), or also those that are
   * made at the same moment (`always`). Each has its own answer, error and parameters. Default `always`.
   */
  batching?: Batching | undefined;
  /**
   * Whether calls of the pool itself are refused (`UsageError`) that are made outside of any scope: where each request has an
   * identity of its own, a call that was written beside its scope would be made as the pool's user. `pool.scope()` without options
   * is the pool's own identity, said outright. Default `false`.
   */
  requireScope?: boolean | undefined;
  /** How failed attempts to open a connection are repeated, and how calls are. */
  retryPolicy?: RetryPolicy | undefined;
  /** When the pool stops trying a server that keeps failing, and refuses at once instead. */
  circuitBreaker?: CircuitBreakerConfig | undefined;
  /** How connections and leases are shared out among several servers. */
  balancing?: BalancingConfig | undefined;
  /** When the pool asks again which servers there are. */
  discovery?: DiscoveryConfig | undefined;
}

/** Which single calls go in one message: none, those that had to wait, or also those made at the same moment. */
export type Batching = 'off' | 'waiting' | 'always';

/** What is done about an acquire by a caller who holds a connection while all are in use. */
export type NestedAcquirePolicy = 'ignore' | 'warn' | 'error';

/**
 * When waiters are refused because the pool is overloaded. Looked at for each agent session by itself; callers without one
 * count as one. In a burst some wait long, but only under overload all do: so the pool looks at the shortest wait of an
 * interval.
 */
export interface LoadSheddingConfig {
  /**
   * The shortest wait of an interval that is still no overload. After an interval in which it was longer, waiters who have waited
   * twice as long are refused with `QueueOverloadError` when their turn comes; and those who wait while no connection is lent at all
   * for an interval. Default `0`; 0 or null: off.
   */
  target?: Duration | null | undefined;
  /** The interval. Default `2s`; more than 0. */
  interval?: Duration | undefined;
}

/**
 * When the pool stops trying a server that keeps failing. Attempts to connect that fail, connections that are lost within
 * a second, and probes and calls without an answer count; an answer, whatever it says, does not.
 */
export interface CircuitBreakerConfig {
  /**
   * How many failures in a row open the circuit: attempts to connect that fail, connections that are lost within a second, probes
   * and calls without an answer; never an answer. From then on one connection is tried at a time, and a caller who finds none open
   * is refused at once with `CircuitOpenError`. Default `5`; 0 or null: never.
   */
  failureThreshold?: number | null | undefined;
  /**
   * The longest pause between two attempts to connect while callers ask, also while the circuit is closed; drawn between half of
   * this and all of it. Default `1s`, or `idleProbeInterval` if that is less; more than 0.
   */
  probeInterval?: Duration | undefined;
  /** The same while the circuit is open and no caller asks. Default `4s`; more than 0. */
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
   * How often the first connection is tried before starting the pool fails, and how often a call of the pool or the work of
   * `executeWithRetry()` is made in all. Attempts of a call of the pool that sent nothing do not count. Default `3`; at least 1.
   */
  maxAttempts?: number | undefined;
  /**
   * The bound of the first pause, between attempts to connect and between attempts of a call. Default `50ms`, or `maxBackoff` if
   * that is less; 0 does not pause.
   */
  initialBackoff?: Duration | undefined;
  /**
   * The bound that no such pause exceeds. While callers ask, `circuitBreaker.probeInterval` bounds the pauses between attempts to
   * connect as well. Default `5s`; 0 does not pause.
   */
  maxBackoff?: Duration | undefined;
  /** By what the bound grows after each failure; 1 keeps it. Default `1.5`; at least 1. */
  multiplier?: number | undefined;
  /**
   * Whether a call of the pool whose text only reads, for certain, is made again when its connection was lost under way. Set it to
   * `false` where COMPUTED fields or permissions call what a repeated read should not call twice: `http::`, `sequence::nextval`.
   * Default `true`.
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

/** The same before it is known whether there are several servers, on which the default of one option depends. */
export type PoolConfigOfAny = Omit<ResolvedPoolConfig, 'livenessTimeout'> & {
  readonly livenessTimeout: number | undefined;
};

/** The configuration of a pool with one server, or with several. */
export function completed(pool: PoolConfigOfAny, hasSeveral: boolean): ResolvedPoolConfig {
  return { ...pool, livenessTimeout: pool.livenessTimeout ?? (hasSeveral ? 4_500 : 15_000) };
}
