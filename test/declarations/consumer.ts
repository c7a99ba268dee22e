// The compiled declarations as a user's project sees them, checked with another compiler than the one that made them.
import {
  AcquireTimeoutError,
  ConnectionManager,
  createPool,
  type DatabaseConfig,
  type Logger,
  PoolError,
  type PooledConnection,
  type PoolStats,
  shutdownOnSignals,
  type Transaction,
} from 'surreal-pool';
import {
  type RecordId,
  type SurrealQueryable,
  type SurrealSession,
  type SurrealTransaction,
  Table,
  type Tokens,
} from 'surrealdb';

interface Person {
  name: string;
}

const logger: Logger = console;
const config: DatabaseConfig = {
  connectionMode: { type: 'local', endpoint: 'ws://localhost:8000' },
  credentials: { username: 'root', password: 'secret' },
  poolConfig: { maxConnections: 10, idleTimeout: '5m', maxLifetime: null },
  namespace: 'app',
  database: 'main',
  logger,
};

export async function people(): Promise<(Person & { id: RecordId })[]> {
  await using pool = await ConnectionManager.create(config);
  const stop: () => void = shutdownOnSignals(pool);
  const stats: PoolStats = pool.poolStats();
  pool.subscribe('closed', ({ connection, reason }) => logger.info({ connection, reason, stats }, 'closed'));
  stop();
  return await pool.withConnection((connection: PooledConnection) => connection.select<Person>(new Table('person')));
}

export async function busy(): Promise<number | undefined> {
  const pool = await createPool('mem://', { namespace: 'app', database: 'main' });
  try {
    await using connection = await pool.acquire({ timeout: '1s' });
    return connection.useCount;
  } catch (error) {
    if (error instanceof AcquireTimeoutError) return error.snapshot.waiting;
    if (error instanceof PoolError && error.retryable) return undefined;
    throw error;
  }
}

// @ts-expect-error an option that does not exist
createPool('mem://', { namespace: 'app', database: 'main', maxConections: 5 });

/** Code for the SDK's session and transaction, such as an ORM's. */
async function inTransaction(session: SurrealSession, work: (open: SurrealTransaction) => Promise<void>) {
  const open: SurrealTransaction = await session.beginTransaction();
  try {
    await work(open);
    await open.commit();
  } catch (error) {
    await open.cancel();
    throw error;
  }
}

export async function lent(connection: PooledConnection): Promise<string> {
  await inTransaction(connection, async (open) => {
    await open.create<Person>(new Table('person')).content({ name: 'one' });
  });
  await inTransaction(connection.connection(), async () => {});
  await connection.withTransaction(async (transaction: Transaction) => {
    const queryable: SurrealQueryable = transaction.connection();
    await queryable.query('CREATE person');
    await transaction.cancel();
  });
  const { access }: Tokens = await connection.authenticate('a token');
  const where: { namespace: string; database: string } = connection;
  return `${access} ${where.database}`;
}
