import type { SurrealQueryable } from 'surrealdb';
import type { Logger } from '../logger.js';
import type { Mode } from './address.js';
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

/**
 * A user of the whole server (root), or, with `namespace`, of that namespace, or, with both, of that database.
 */
export interface PasswordCredentials {
  username: string;
  password: string;
  /** The namespace that defines the user. Left out for a root user. */
  namespace?: string | undefined;
  /** The database that defines the user; needs `namespace`. */
  database?: string | undefined;
}

/** A record user, who signs in through an access method of the database. */
export interface RecordCredentials {
  /** The name of the access method, as in `DEFINE ACCESS`. */
  access: string;
  /** What its `SIGNIN` clause reads as `$email`, `$password` and so on. */
  variables: Readonly<Record<string, unknown>>;
  /** The namespace of the access method. Default: the pool's own. */
  namespace?: string | undefined;
  /** The database of the access method; needs `namespace`. Default: the pool's own. */
  database?: string | undefined;
}

/** The key of a bearer grant, as `ACCESS … GRANT` gives it. */
export interface BearerCredentials {
  /** The name of the access method, as in `DEFINE ACCESS … TYPE BEARER`. */
  access: string;
  /** The key of the grant. */
  key: string;
  /** The namespace of the access method. Default: the pool's own. */
  namespace?: string | undefined;
  /** The database of the access method; needs `namespace`. Default: the pool's own. */
  database?: string | undefined;
}

/**
 * A token that was issued elsewhere, or the tokens that the SDK's `signin()` and `signup()` give. Without a refresh token
 * the pool cannot renew it; a {@link CredentialsProvider} can.
 */
export interface TokenCredentials {
  token: string | { access: string; refresh?: string | undefined };
}

/**
 * The pair of tokens that an access method `WITH REFRESH` gives. The pool renews it before the access token ends. A
 * refresh token can be used once: from then on the pool alone has the next one, and no other program can renew this pair.
 */
export interface RefreshCredentials {
  /** The access token. */
  access: string;
  /** The refresh token that was given with it. */
  refresh: string;
}

/** Who the pool signs in as. */
export type Credentials =
  | PasswordCredentials
  | RecordCredentials
  | BearerCredentials
  | TokenCredentials
  | RefreshCredentials;

/**
 * Who a connection is, where it is, and what it brings along, where that is not what the pool is configured with. Part of
 * what is lent: a connection of one identity is never lent as another.
 */
export interface IdentityOptions {
  /** Another namespace; always together with `database`. */
  namespace?: string;
  /** Another database; always together with `namespace`. */
  database?: string;
  /**
   * Another user; null for a session that signs in as no user. A function is one identity for as long as it is the same
   * function, whatever it answers: see `credentialsKey`.
   */
  credentials?: Credentials | CredentialsProvider | null;
  /**
   * Names the identity of a credentials function, where the function is made anew for each request: functions with the same
   * key are the same identity in the same place, sign in once, and share connections. The one given last is asked.
   */
  credentialsKey?: string;
  /** Variables (`$name`) of the session, by their names without the dollar. */
  variables?: Readonly<Record<string, unknown>>;
}

/** Asked whenever the pool has to sign in, so that secrets can be fetched, and change, while it runs. */
export type CredentialsProvider = () => Credentials | Promise<Credentials>;

/**
 * Called once for each database of the pool, before the first lease in it, with a connection of the pool's own identity
 * that does not count as one of `maxConnections`: the place for migrations. While it runs, who wants a connection there
 * waits; when it rejects, they get `AcquireFailedError`, and the next acquire calls it again.
 */
export type OnFirstUse = (
  name: { readonly namespace: string; readonly database: string },
  connection: SurrealQueryable,
) => unknown;

/** Where the database lives. */
export type ConnectionMode = InMemoryMode | EmbeddedMode | LocalMode;

/** A database inside this process, empty at the start and gone at the end. */
export interface InMemoryMode {
  type: 'in-memory';
}

/** A database inside this process that lives on disk. Only one process at a time can open it. */
export interface EmbeddedMode {
  type: 'embedded';
  /** `rocksdb://<path>` or `surrealkv://<path>`. */
  path: string;
}

/** A server that is reached at one address. */
export interface LocalMode {
  type: 'local';
  /** `ws://<host>:<port>` or `wss://<host>`; without a path, `/rpc` is meant. */
  endpoint: string;
}

/**
 * Whether the failure of a call shows that its connection leads to a server which cannot do its work any more: a node that
 * became read-only in a failover, say. When it returns true, the connection is closed at its release instead of lent again;
 * other connections are not touched, for each may lead to another node. It is asked about each failed call and each statement
 * that the server refused, has to be quick, and does not make the call again. An error that it throws becomes a process
 * warning.
 */
export type RetireOn = (error: unknown) => boolean;

/** How values of the server become values of JavaScript. */
export interface PoolCodecOptions {
  /**
   * Whether datetimes come as `Date`, which holds milliseconds, instead of the SDK's `DateTime`, which holds nanoseconds: a
   * datetime that is read and written back loses what is finer. Default false.
   */
  useNativeDates?: boolean | undefined;
}

/** {@link PoolCodecOptions} with everything filled in. */
export interface ResolvedCodecOptions {
  readonly useNativeDates: boolean;
}

/** The long form: one object that says everything, for `ConnectionManager.create(config)` and for files. */
export interface DatabaseConfig {
  /** Where the database lives. */
  connectionMode: ConnectionMode;
  /** Who signs in. Default null: an anonymous session. */
  credentials?: Credentials | CredentialsProvider | null | undefined;
  /** The namespace every connection is in. */
  namespace: string;
  /** The database every connection is in. */
  database: string;
  /** How the pool behaves. */
  poolConfig?: PoolConfig | undefined;
  /** What the pool is called in logs, errors, metrics and traces. Default: its namespace and database, `app/main`. */
  name?: string | undefined;
  /** Where the pool writes what it does. Default: nowhere. */
  logger?: Logger | undefined;
  /** Prepares a database before its first lease. Default: nothing. */
  onFirstUse?: OnFirstUse | undefined;
  /** Which failures of a call show that its connection leads to the wrong server. Default: none. */
  retireOn?: RetireOn | undefined;
  /** How values of the server become values of JavaScript. Default: as the SDK has them, without loss. */
  codecOptions?: PoolCodecOptions | undefined;
}

/** The short form: everything but the address, for `createPool(url, options)`. */
export interface PoolOptions extends PoolConfig {
  /** The namespace every connection is in. */
  namespace: string;
  /** The database every connection is in. */
  database: string;
  /** What the pool is called in logs, errors, metrics and traces. Default: its namespace and database, `app/main`. */
  name?: string | undefined;
  /** Who signs in. Default null: an anonymous session. */
  credentials?: Credentials | CredentialsProvider | null | undefined;
  /** Where the pool writes what it does. Default: nowhere. */
  logger?: Logger | undefined;
  /** Prepares a database before its first lease. Default: nothing. */
  onFirstUse?: OnFirstUse | undefined;
  /** Which failures of a call show that its connection leads to the wrong server. Default: none. */
  retireOn?: RetireOn | undefined;
  /** How values of the server become values of JavaScript. Default: as the SDK has them, without loss. */
  codecOptions?: PoolCodecOptions | undefined;
}

/**
 * {@link PoolConfig} with everything filled in. Durations are milliseconds; 0 stands for "never", "none" or
 * "for ever" wherever {@link PoolConfig} allows 0 or null, and `maxWaiters` is `Infinity` without a limit.
 */
export interface ResolvedPoolConfig {
  readonly minConnections: number;
  readonly maxConnections: number;
  readonly connectionTimeout: number;
  readonly openTimeout: number;
  readonly probeTimeout: number;
  readonly resetTimeout: number;
  readonly closeTimeout: number;
  readonly queryTimeout: number;
  readonly idleTimeout: number;
  readonly maxLifetime: number;
  readonly recycleAfterUses: number;
  readonly validateOnCheckout: boolean;
  readonly validationInterval: number;
  readonly livenessTimeout: number;
  readonly shutdownGracePeriod: number;
  readonly nestedAcquire: NestedAcquirePolicy;
  readonly leakDetectionThreshold: number;
  readonly idleLeaseThreshold: number;
  readonly healthCheckInterval: number;
  readonly identityCheckInterval: number;
  readonly unhealthyThreshold: number;
  readonly maxConnecting: number;
  readonly maxWaiters: number;
  readonly warmConnections: boolean;
  readonly failFast: boolean;
  readonly sessionsPerTransport: number;
  /** 0: as many as suit the server. */
  readonly pipelining: number;
  readonly batching: Batching;
  readonly requireScope: boolean;
  readonly retryPolicy: ResolvedRetryPolicy;
  readonly circuitBreaker: ResolvedCircuitBreaker;
}

/** {@link CircuitBreakerConfig} with everything filled in; durations are milliseconds, a threshold of 0 is off. */
export interface ResolvedCircuitBreaker {
  readonly failureThreshold: number;
  readonly probeInterval: number;
  readonly idleProbeInterval: number;
}

/** {@link RetryPolicy} with everything filled in; durations are milliseconds. */
export interface ResolvedRetryPolicy {
  readonly maxAttempts: number;
  readonly initialBackoff: number;
  readonly maxBackoff: number;
  readonly multiplier: number;
  readonly repeatReads: boolean;
}

/** A configuration that was checked and completed; both forms lead to it. */
export interface ResolvedConfig {
  readonly mode: Mode;
  /** `mem://`, `rocksdb://<path>`, `surrealkv://<path>` or `ws://<host>/rpc`. */
  readonly url: string;
  /** What the pool is called. */
  readonly name: string;
  readonly namespace: string;
  readonly database: string;
  readonly credentials: Credentials | CredentialsProvider | null;
  readonly logger: Logger | undefined;
  readonly onFirstUse: OnFirstUse | undefined;
  readonly retireOn: RetireOn | undefined;
  readonly codecOptions: ResolvedCodecOptions;
  readonly pool: ResolvedPoolConfig;
}

/** What an option is when it is left out. */
export const defaultPoolConfig: ResolvedPoolConfig = {
  minConnections: 5,
  maxConnections: 20,
  connectionTimeout: 10_000,
  openTimeout: 5_000,
  probeTimeout: 2_000,
  resetTimeout: 2_000,
  closeTimeout: 2_000,
  queryTimeout: 0,
  idleTimeout: 300_000,
  maxLifetime: 1_800_000,
  recycleAfterUses: 10_000,
  validateOnCheckout: true,
  validationInterval: 500,
  livenessTimeout: 15_000,
  shutdownGracePeriod: 30_000,
  nestedAcquire: 'ignore',
  leakDetectionThreshold: 0,
  idleLeaseThreshold: 0,
  healthCheckInterval: 30_000,
  identityCheckInterval: 60_000,
  unhealthyThreshold: 3,
  maxConnecting: 2,
  maxWaiters: Number.POSITIVE_INFINITY,
  warmConnections: true,
  failFast: true,
  sessionsPerTransport: 1,
  pipelining: 0,
  batching: 'always',
  requireScope: false,
  retryPolicy: { maxAttempts: 3, initialBackoff: 50, maxBackoff: 5_000, multiplier: 1.5, repeatReads: true },
  circuitBreaker: { failureThreshold: 5, probeInterval: 1_000, idleProbeInterval: 4_000 },
};
