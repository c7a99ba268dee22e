// Undo a part of a transaction, and go on with the rest.
//   node examples/savepoints.mjs
import { createPool } from 'surreal-pool';
import { RecordId, Table } from 'surrealdb';

const pool = await createPool('mem://', { namespace: 'app', database: 'main' });
const account = new RecordId('account', 'ada');
await pool.create(account).content({ balance: 100 });

/**
 * Pays for a seat and books it: both or none, with or without a transaction around it.
 *
 * @param {import('surreal-pool').PooledConnection} connection
 * @param {string} seat
 */
async function book(connection, seat) {
  await connection.withTransaction(async (transaction) => {
    await transaction.query('UPDATE $account SET balance -= 30', { account });
    await transaction.create(new RecordId('booking', seat));
    await transaction.create(new Table('ticket')).content({ seat });
  });
}

await pool.withConnection(async (connection) => {
  await connection.withTransaction(async (transaction) => {
    for (const seat of ['A1', 'A2', 'A1']) {
      // The third one fails, and only that one is undone.
      await book(connection, seat).then(
        () => console.log(seat, 'booked'),
        (error) => console.log(seat, 'refused:', error.message),
      );
    }
    const savepoint = await transaction.savepoint();
    await transaction.delete(new Table('ticket'));
    await savepoint.rollback();
  });
});

console.log(
  ...(await pool.query('RETURN (SELECT VALUE seat FROM ticket).sort(); RETURN $account.balance', { account })),
);
const { created, rollbacks } = pool.poolStats().savepoints;
console.log(created, 'savepoints,', rollbacks, 'rollbacks');
await pool.shutdown();

// Prints:
// A1 booked
// A2 booked
// A1 refused: Database record `booking:A1` already exists
// [ 'A1', 'A2' ] 40
// 4 savepoints, 2 rollbacks
