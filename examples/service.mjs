// An HTTP service: one pool for the process, a health endpoint, and an end that loses nothing.
//   node examples/service.mjs
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createPool, PoolError } from 'surreal-pool';
import { RecordId } from 'surrealdb';

const pool = await createPool('mem://', { namespace: 'app', database: 'main', logger: undefined });

const server = createServer(async (request, response) => {
  try {
    if (request.url === '/health') {
      const { healthy, reason } = pool.healthStatus();
      response.writeHead(healthy ? 200 : 503).end(reason);
      return;
    }
    const [count] = await pool.query('UPSERT $counter SET visits += 1 RETURN VALUE visits', {
      counter: new RecordId('counter', 'front-page'),
    });
    response.end(`visit number ${count}`);
  } catch (error) {
    // Busy, or the database is away: the client may come back. Everything else is a mistake of ours.
    response.writeHead(error instanceof PoolError && error.retryable ? 503 : 500).end();
  }
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

// Instead of a browser:
const address = server.address();
const base = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
for (const path of ['/', '/', '/health']) console.log(await (await fetch(base + path)).text());

// In a real service: shutdownOnSignals(pool), which does this when the process is told to end.
server.close();
server.closeAllConnections();
const { drained, aborted } = await pool.shutdown();
console.log({ drained, aborted });

// Prints:
// visit number 1
// visit number 2
// 0 of 20 connections in use, 0 callers wait
// { drained: 0, aborted: [] }
