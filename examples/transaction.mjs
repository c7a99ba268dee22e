// A transfer that happens whole or not at all, and again when somebody else was first.
//   node examples/transaction.mjs
import { createPool } from 'surreal-pool';
import { RecordId } from 'surrealdb';

const pool = await createPool('mem://', { namespace: 'app', database: 'main', maxConnections: 4 });
const [from, to] = [new RecordId('account', 1), new RecordId('account', 2)];
await pool.query('CREATE account:1 SET balance = 100; CREATE account:2 SET balance = 0');

/** @param {number} amount */
async function transfer(amount) {
  return await pool.withTransaction(
    async (transaction) => {
      const account = await transaction.select(from);
      if (account === undefined || account.balance < amount) throw new Error(`not enough for ${amount}`);
      await transaction.update(from).merge({ balance: account.balance - amount });
      await transaction.query('UPDATE $to SET balance += $amount', { to, amount });
    },
    { verifyCommit: true, timeout: '5s' },
  );
}

await Promise.all([transfer(10), transfer(20), transfer(30)]);
await transfer(1000).catch((error) => console.log('refused:', error.message));
console.log('balances', ...(await pool.query('RETURN [account:1.balance, account:2.balance]')));
const { committed, rolledBack, conflicts, retries } = pool.poolStats().transactions;
console.log({ committed, rolledBack, retried: conflicts === retries });
await pool.shutdown();

// Prints:
// refused: not enough for 1000
// balances [ 40, 60 ]
// { committed: 3, rolledBack: 1, retried: true }
