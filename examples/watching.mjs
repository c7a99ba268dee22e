// Watching a pool: events, statistics, and the tracing channels that monitoring tools subscribe to.
//   node examples/watching.mjs
import { tracingChannel } from 'node:diagnostics_channel';
import { createPool } from 'surreal-pool';

tracingChannel('surreal-pool:query').asyncEnd.subscribe((message) => {
  const { text } = /** @type {import('surreal-pool').QueryTrace} */ (message);
  console.log('query:', text);
});

const pool = await createPool('mem://', { namespace: 'app', database: 'main', minConnections: 1 });
pool.subscribe('acquired', ({ connection, reused }) => console.log(`lent connection ${connection}, reused: ${reused}`));
pool.subscribe('closed', ({ connection, reason }) => console.log(`closed connection ${connection}: ${reason}`));

await pool.query('RETURN 1');
const { total, averageReuseRatio, waitTime } = pool.poolStats();
console.log({ total, averageReuseRatio, waited: waitTime.max });
await pool.shutdown();

// Prints:
// lent connection 1, reused: true
// query: RETURN 1
// { total: 1, averageReuseRatio: 100, waited: 0 }
// closed connection 1: shutdown
