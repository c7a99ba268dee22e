// One pool, many users: who a connection is, and where, is part of what is borrowed.
//   node examples/tenants.mjs
import { createPool } from 'surreal-pool';
import { RecordId, Table } from 'surrealdb';

const pool = await createPool('mem://', {
  namespace: 'app',
  database: 'main',
  maxConnections: 4,
  // Called once for each database, before anybody gets a connection there.
  onFirstUse: async ({ database }, connection) => {
    await connection.query('DEFINE TABLE IF NOT EXISTS note; DEFINE TABLE IF NOT EXISTS person');
    console.log(`prepared ${database}`);
  },
});
await pool.query(`
  CREATE person:ada SET name = 'Ada'; CREATE person:bob SET name = 'Bob';
  DEFINE TABLE OVERWRITE note PERMISSIONS FOR select, create WHERE owner = $auth;
  DEFINE ACCESS person ON DATABASE TYPE RECORD SIGNIN (SELECT * FROM person WHERE name = $name);
`);

// A view of the pool for one user: every call borrows a connection that is signed in as that user.
const ada = pool.scope({ credentials: { access: 'person', variables: { name: 'Ada' } } });
const bob = pool.scope({ credentials: { access: 'person', variables: { name: 'Bob' } } });
await ada.create(new RecordId('note', 1)).content({ owner: new RecordId('person', 'ada'), text: 'buy bread' });
console.log('Ada sees', (await ada.select(new Table('note'))).length);
console.log('Bob sees', (await bob.select(new Table('note'))).length);

// Another database, with a variable for the whole lease.
const acme = { namespace: 'tenants', database: 'acme', variables: { plan: 'gold' } };
await pool.withConnection(async (connection) => {
  const [answer] = await connection.query('RETURN [session::db(), $plan]').collect();
  console.log('in', answer);
}, acme);

await pool.shutdown();

// Prints:
// prepared main
// Ada sees 1
// Bob sees 0
// prepared acme
// in [ 'acme', 'gold' ]
