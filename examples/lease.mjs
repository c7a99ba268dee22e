// Several calls on one session: borrow a connection, and give it back.
//   node examples/lease.mjs
import { createPool, LeaseReleasedError } from 'surreal-pool';

const pool = await createPool('mem://', { namespace: 'app', database: 'main', maxConnections: 1 });

// withConnection() gives the connection back however the work ends.
const greeting = await pool.withConnection(async (connection) => {
  await connection.set('who', 'Ada');
  const [text] = await connection.query('RETURN "Hello, " + $who');
  return text;
});
console.log(greeting);

// The variable is gone when the next one gets the same connection.
const connection = await pool.acquire();
console.log(
  'connection',
  connection.id,
  'lent',
  connection.useCount,
  'times, $who is',
  ...(await connection.query('RETURN $who')),
);

// What was made from a lease ends with it.
const kept = connection.query('RETURN 1');
connection.release();
await kept.then(
  () => console.log('this would be a leak'),
  (error) => console.log(error instanceof LeaseReleasedError && error.code),
);
await pool.shutdown();

// Prints:
// Hello, Ada
// connection 1 lent 2 times, $who is undefined
// ERR_POOL_LEASE_RELEASED
