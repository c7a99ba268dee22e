// What a caller sees when the pool is busy: an error that says who is to blame, within its own time.
//   node examples/overload.mjs
import { AcquireTimeoutError, createPool, QueueFullError } from 'surreal-pool';

const pool = await createPool('mem://', {
  namespace: 'app',
  database: 'main',
  maxConnections: 1,
  maxWaiters: 1,
  connectionTimeout: '50ms',
});
const busy = await pool.acquire();

const answers = await Promise.allSettled([pool.acquire(), pool.acquire()]);
for (const { reason } of answers.filter((answer) => answer.status === 'rejected')) {
  if (reason instanceof QueueFullError) console.log('refused at once:', reason.code);
  if (reason instanceof AcquireTimeoutError) console.log('waited in vain:', reason.message);
}
busy.release();
console.log('free again:', await pool.query('RETURN "yes"'));
await pool.shutdown();

// Prints:
// waited in vain: no connection within 50 ms: the pool is busy: 1 of at most 1 connections are leased, 1 caller waits; raise maxConnections, or find who holds connections for long
// refused at once: ERR_POOL_QUEUE_FULL
// free again: [ 'yes' ]
