import { Batches } from '../calls/batch.js';
import { Exports } from '../calls/exports.js';
import { type HeldLease, LeaseChannel } from '../calls/lease-channel.js';
import { ParkableLease } from '../calls/parkable-lease.js';
import type { DatabaseName } from '../config/database-name.js';
import type { ResolvedConfig } from '../config/options.js';
import { Discovery } from '../endpoints/discovery.js';
import type { EndpointAddress } from '../endpoints/endpoint-address.js';
import type { PoolEndpoints } from '../pool/contract.js';
import { Pool } from '../pool/pool.js';
import { PooledConnection } from '../pooled-connection.js';
import type { Connection } from '../session/connection.js';
import { ConnectionFactory } from '../session/connection-factory.js';
import { DatabasePreparation } from '../session/database-preparation.js';
import type { ConnectionIdentity } from '../session/identity.js';
import { logEvents } from '../telemetry/log-events.js';
import { loggerFor } from '../telemetry/logger-for.js';
import { type PoolLabel, poolLabel } from '../telemetry/pool-label.js';
import { publishEvents } from '../telemetry/publish-events.js';
import { QueryJournal } from '../telemetry/query-journal.js';
import { TokenCounters } from '../telemetry/token-counters.js';
import { fullJitterBackoff } from '../time/backoff.js';
import { systemClock } from '../time/clock.js';
import { toldToStop } from '../time/deadline.js';
import { inThisContext } from '../time/own-context.js';
import { CommitFence } from '../transactions/commit-fence.js';
import { Transactions } from '../transactions/transactions.js';
import { Borrowing } from './borrowing.js';
import { CallRules } from './call-rules.js';
import { ExtraConnections } from './extra-connections.js';
import { NestedAcquireGuard } from './nested-acquire-guard.js';

const manyFunctions =
  'more than 20 credentials functions with the same text came within a minute: each is an identity of its own and signs in for itself; make one function for each user and keep it, or name them with credentialsKey';

const notCompared =
  'whether the servers share one store cannot be found out with this user: if they do not, calls miss what others wrote; give the pool a system user, or make sure of it';
const replaced =
  'the server has another store than before, and no other server is connected to say which is right: what was written before is gone unless it comes back';

/** The size of a pool for the one connection that prepares a database. */
const forOne = { minConnections: 0, maxConnections: 1, maxLifetime: 0, idleTimeout: 0 };

/** The parts of a manager. */
export interface Parts {
  readonly config: ResolvedConfig;
  /** The label of the pool in logs, errors, traces and metrics. */
  readonly label: PoolLabel;
  readonly pool: Pool<Connection, ConnectionIdentity>;
  readonly queries: QueryJournal;
  readonly tokens: TokenCounters;
  readonly factory: ConnectionFactory;
  /** Looks for the servers; undefined when they are listed. */
  readonly discovery: Discovery | undefined;
  readonly borrowing: Borrowing;
  readonly rules: CallRules;
  readonly batches: Batches;
  readonly exports: Exports;
  readonly transactions: Transactions;
  readonly fence: CommitFence;
  /** The connections on which `onFirstUse` prepares databases. */
  readonly extraConnections: ExtraConnections;
  /** Undefined when the database is ready; else a promise that resolves when `onFirstUse` has prepared it. */
  prepare(database: DatabaseName): Promise<void> | undefined;
  /** Undefined when nested acquires are ignored. */
  readonly guard: NestedAcquireGuard | undefined;
  /**
   * Finds leases that were dropped without a release; undefined when the pool does not look for them. It watches the
   * channel, which every SDK object of a lease holds: the lease object may be collected while one of its queries is
   * still under way.
   */
  readonly lostLeases: FinalizationRegistry<HeldLease> | undefined;
  /** Aborted when the shutdown begins. */
  readonly ending: AbortController;
}

/** Builds the parts of a pool, bottom up; none of them starts anything yet. */
export function assemble(config: ResolvedConfig): Parts {
  const { name } = config;
  const label = poolLabel(config);
  const logger = config.logger && loggerFor(config.logger);
  const ending = new AbortController();
  const tokens = new TokenCounters();
  const factory: ConnectionFactory = new ConnectionFactory(config, label, {
    renewed: (error) => {
      tokens.count(error === undefined);
      if (error === undefined) pool.events.emit('tokenRenewed', {});
      else pool.events.emit('tokenRenewalFailed', { error });
    },
    manyFunctions: () => logger?.warn({ pool: name }, manyFunctions),
    storeNotCompared: (endpoint) => logger?.warn({ pool: name, endpoint }, notCompared),
    storeReplaced: (endpoint) => logger?.warn({ pool: name, endpoint }, replaced),
  });
  const pool = makePool(config, endpointsOf(config), factory);
  const queries = new QueryJournal(label, pool.events, systemClock);
  const discovery = discoveryOf(config, pool);
  const rules = new CallRules(config, (connection) => factory.sever(connection), ending.signal);
  const fence = makeFence(config, factory, () => pool.endpoints.targets);
  const { connectionTimeout, leakDetectionThreshold, nestedAcquire, resetTimeout } = config.pool;
  const transactions = new Transactions({ pool: label, fence, events: pool.events, rollbackTimeout: resetTimeout });
  const extraConnections = new ExtraConnections({
    makePool: () => {
      const endpoints = { ...endpointsOf(config), targets: pool.endpoints.targets };
      return makePool({ name, pool: { ...config.pool, ...forOne } }, endpoints, factory);
    },
    identityIn: (database) => factory.identities.of(database),
    // No preparation: this connection prepares the database, and would wait for itself.
    connectionOf: (lease) =>
      new PooledConnection(lease, new LeaseChannel(lease, queries, rules.limits({})), {
        ...{ factory, transactions },
        prepare: () => undefined,
        lostLeases: undefined,
      }),
    endTimeout: resetTimeout,
  });
  const preparation = makePreparation(config, extraConnections);
  const guard = nestedAcquire === 'ignore' ? undefined : new NestedAcquireGuard();
  const borrowing = new Borrowing({
    ...{ label, pool, factory, preparation, guard, nestedAcquire, connectionTimeout },
    ending: ending.signal,
  });
  if (logger !== undefined) logEvents(pool.events, logger, name, systemClock);
  publishEvents(pool.events, label);
  return {
    ...{
      config,
      label,
      pool,
      queries,
      tokens,
      factory,
      discovery,
      borrowing,
      rules,
      transactions,
      fence,
      extraConnections,
      guard,
      ending,
    },
    batches: new Batches(),
    exports: new Exports(),
    prepare: (database) => preparation?.of(database),
    lostLeases: leakDetectionThreshold > 0 ? reclaimTo(pool) : undefined,
  };
}

function makePool(
  { name, pool: settings }: Pick<ResolvedConfig, 'name' | 'pool'>,
  endpoints: PoolEndpoints,
  factory: ConnectionFactory,
): Pool<Connection, ConnectionIdentity> {
  const { retryPolicy, circuitBreaker } = settings;
  return new Pool(settings, {
    name,
    factory,
    home: factory.identities.home,
    clock: systemClock,
    timeOfDay: () => Date.now(),
    random: Math.random,
    breaker: { ...circuitBreaker, backoff: fullJitterBackoff(retryPolicy, Math.random) },
    endpoints,
  });
}

/** The servers that are known at the start: all of a list, none of those that are looked up. */
function endpointsOf({ endpoints, loadBalancing, pool }: ResolvedConfig): PoolEndpoints {
  const { zone, ...balancing } = pool.balancing;
  return {
    targets: 'list' in endpoints ? endpoints.list : [],
    loadBalancing,
    balancing: { ...balancing, zone: zone ?? undefined },
  };
}

/** Looks for the servers of a pool whose configuration does not list them: at the start, and when a connection is lost. */
function discoveryOf(
  { endpoints, pool: settings }: ResolvedConfig,
  pool: Pool<Connection, ConnectionIdentity>,
): Discovery | undefined {
  if ('list' in endpoints) return undefined;
  const discovery = new Discovery(
    endpoints,
    { ...settings.discovery, timeout: settings.openTimeout },
    {
      changed: (targets) => pool.endpoints.replace(targets),
      stale: (error) => pool.endpoints.notFound(error),
    },
  );
  for (const event of ['died', 'openFailed'] as const) pool.events.subscribe(event, () => discovery.lost());
  return discovery;
}

/** @param endpoints where the outcome of a commit may be sought, the best first */
function makeFence(
  { url, pool }: ResolvedConfig,
  factory: ConnectionFactory,
  endpoints: () => readonly EndpointAddress[],
): CommitFence {
  const { connectionTimeout, openTimeout, closeTimeout } = pool;
  return new CommitFence(
    { url, timeout: connectionTimeout, attemptTimeout: openTimeout },
    {
      endpoints,
      open: ({ identity }, endpoint, signal) => factory.open({ id: 0, identity, endpoint, signal, died: () => {} }),
      close: (connection) =>
        toldToStop('closing a connection', closeTimeout, (signal) => factory.close(connection, signal)),
    },
  );
}

function makePreparation(
  { onFirstUse }: ResolvedConfig,
  connections: ExtraConnections,
): DatabasePreparation | undefined {
  if (onFirstUse === undefined) return undefined;
  const prepare = inThisContext(onFirstUse);
  return new DatabasePreparation((database) =>
    connections.run(database, async (connection) => void (await prepare(database, connection))),
  );
}

function reclaimTo(pool: Pool<Connection, ConnectionIdentity>): FinalizationRegistry<HeldLease> {
  return new FinalizationRegistry((held) => {
    const lease = held instanceof ParkableLease ? held.abandon() : held;
    if (lease === undefined) return;
    lease.present?.endDependents(lease.ended());
    pool.reclaim(lease);
  });
}
