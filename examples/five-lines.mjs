// The shortest program: a pool, a write, a read, the end.
//   node examples/five-lines.mjs
import { createPool } from 'surreal-pool';
import { RecordId, Table } from 'surrealdb';

const pool = await createPool('mem://', { namespace: 'app', database: 'main' });
await pool.create(new RecordId('person', 'ada')).content({ name: 'Ada' });
console.log(await pool.select(new Table('person')));
await pool.shutdown();

// Prints:
// [ { id: person:ada, name: 'Ada' } ]
