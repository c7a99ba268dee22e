// Compiled in each way, as a module and as CommonJS.
import { type ConnectionManager, createPool, type DatabaseConfig, PoolError, type Transaction } from 'surreal-pool';
import { RecordId, Table } from 'surrealdb';

interface Person {
  name: string;
}

const { ADDRESSES = 'mem://', DB_USER = '', DB_PASSWORD = '' } = process.env;

async function work(address: string): Promise<void> {
  const credentials: DatabaseConfig['credentials'] =
    DB_USER !== '' && address.startsWith('ws') ? { username: DB_USER, password: DB_PASSWORD } : undefined;
  const pool: ConnectionManager = await createPool(address, {
    namespace: 'runtimes',
    database: crypto.randomUUID(),
    minConnections: 1,
    ...(credentials && { credentials }),
  });
  try {
    await pool.withTransaction(async (transaction: Transaction) => {
      await transaction.create<Person>(new RecordId('person', 'ada')).content({ name: 'Ada' });
    });
    const people: Person[] = await pool.select<Person>(new Table('person'));
    if (people[0]?.name !== 'Ada') throw new Error(`there is no Ada at ${address}`);
    const refused = await pool.query('BEGIN').then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!(refused instanceof PoolError)) throw new Error(`a lone BEGIN was not refused at ${address}`);
  } finally {
    await pool.shutdown();
  }
}

async function main(): Promise<void> {
  for (const address of ADDRESSES.split(' ')) {
    await work(address);
    console.log(`done ${address}`);
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
