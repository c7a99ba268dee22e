// What a runtime or a bundler has to be able to do with the package. Each project imports it; it says "done" for each address.
import { createPool, UsageError } from 'surreal-pool';
import { RecordId, Table } from 'surrealdb';

const { ADDRESSES = 'mem://', DB_USER = '', DB_PASSWORD = '' } = process.env;

/** A query, a transaction, an error and a shutdown. @param {string} address */
async function work(address) {
  const signIn = DB_USER !== '' && address.startsWith('ws') ? { username: DB_USER, password: DB_PASSWORD } : undefined;
  const pool = await createPool(address, {
    namespace: 'runtimes',
    database: crypto.randomUUID(),
    minConnections: 1,
    ...(signIn && { credentials: signIn }),
  });
  try {
    const ada = new RecordId('person', 'ada');
    await pool.create(ada).content({ name: 'Ada', picture: new Uint8Array([1, 2, 3]) });
    await pool.withTransaction(async (transaction) => {
      await transaction.update(ada).merge({ born: new Date(0) });
      await transaction.create(new RecordId('person', 'bob')).content({ name: 'Bob' });
    });
    const people = await pool.select(new Table('person'));
    const names = people.map(({ name }) => name).join();
    if (names !== 'Ada,Bob') throw new Error(`the people at ${address} are ${names}`);
    if (people[0]?.picture.byteLength !== 3) throw new Error(`the picture at ${address} is another one`);
    const error = await pool.query('BEGIN').then(
      () => undefined,
      (refusal) => refusal,
    );
    if (!(error instanceof UsageError)) throw new Error(`a lone BEGIN at ${address} was not refused`, { cause: error });
  } finally {
    await pool.shutdown();
  }
}

/** @returns {Promise<string>} a line for each address */
export async function program() {
  const lines = [];
  for (const address of ADDRESSES.split(' ')) {
    await work(address);
    lines.push(`done ${address}`);
  }
  return lines.join('\n');
}
