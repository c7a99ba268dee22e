// A module of CommonJS: Node loads the package by require() from 20.19 and 22.12 on.
const { createPool } = require('surreal-pool');
const { RecordId } = require('surrealdb');

async function main() {
  const pool = await createPool('mem://', { namespace: 'app', database: 'main' });
  await pool.create(new RecordId('person', 'ada')).content({ name: 'Ada' });
  await pool.shutdown();
}
main();
