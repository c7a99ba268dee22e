import type { SurrealQueryable } from 'surrealdb';
import type { Logger } from '../logger.js';
import type { Mode } from './address.js';
import type { EndpointSource, Endpoints, LoadBalancing, LoadBalancingName } from './endpoint-options.js';
import type { Credentials, CredentialsProvider } from './identity-options.js';
import type { PoolConfig, Resolved, ResolvedPoolConfig } from './pool-options.js';

/**
 * Where the database lives: inside this process, empty at the start and gone at the end (`in-memory`); inside this process and
 * on disk, at `rocksdb://<path>` or `surrealkv://<path>`, which one process at a time can open (`embedded`); on a server that
 * is reached at one address, `ws://<host>:<port>` or `wss://<host>`, where without a path `/rpc` is meant (`local`); or on several
 * servers over one store, any of which can serve every call (`remote`), with the strategy that chooses among them: default
 * `round-robin`, and without effect while there is one.
 */
export type ConnectionMode =
  | { type: 'in-memory' }
  | { type: 'embedded'; path: string }
  | { type: 'local'; endpoint: string }
  | { type: 'remote'; endpoints: Endpoints; loadBalancing?: LoadBalancingName | undefined };

/**
 * Called once for each database of the pool, before the first lease in it, with a connection of the pool's own identity
 * that does not count as one of `maxConnections`: the place for migrations. While it runs, who wants a connection there
 * waits; when it rejects, they get `AcquireFailedError`, and the next acquire calls it again.
 */
export type OnFirstUse = (
  name: { readonly namespace: string; readonly database: string },
  connection: SurrealQueryable,
) => unknown;

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

/** What both forms have by the same names. */
export interface CommonOptions {
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

/** The long form: one object that says everything, for `ConnectionManager.create(config)` and for files. */
export interface DatabaseConfig extends CommonOptions {
  /** Where the database lives. */
  connectionMode: ConnectionMode;
  /** How the pool behaves. */
  poolConfig?: PoolConfig | undefined;
}

/** The short form: everything but the address, for `createPool(url, options)`. */
export interface PoolOptions extends CommonOptions, PoolConfig {
  /** Which of several servers lends a connection. Default `round-robin`; with one server, or none, without effect. */
  loadBalancing?: LoadBalancingName | undefined;
}

/** A configuration that was checked and completed; both forms lead to it. */
export interface ResolvedConfig {
  /** `remote`: a list of servers, which may begin with one, or as many as will be found. */
  readonly mode: Mode | 'remote';
  /**
   * `mem://`, `rocksdb://<path>`, `surrealkv://<path>` or `ws://<host>/rpc`. With several servers the first of them; where they
   * are looked for, what for, and no address to connect to: `dns://surreal.internal:8000`.
   */
  readonly url: string;
  /** The servers, or how they are found; a database inside this process is a list of one. */
  readonly endpoints: EndpointSource;
  readonly loadBalancing: LoadBalancing;
  /** What the pool is called. */
  readonly name: string;
  readonly namespace: string;
  readonly database: string;
  readonly credentials: Credentials | CredentialsProvider | null;
  readonly logger: Logger | undefined;
  readonly onFirstUse: OnFirstUse | undefined;
  readonly retireOn: RetireOn | undefined;
  readonly codecOptions: Resolved<PoolCodecOptions>;
  readonly pool: ResolvedPoolConfig;
}
