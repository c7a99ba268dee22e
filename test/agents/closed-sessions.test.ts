import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CallAbortedError } from '../../src/index.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

test('calls, leases and transactions that a close ends leave nothing in the totals', async () => {
  const pool = await own.pool('mem://', { maxConnections: 2 });
  const parent = pool.createSession({ agentId: 'parent' });
  const child = pool.createSession({ agentId: 'child', parent });
  const lease = await child.acquire();
  const transaction = await lease.beginTransaction();
  await transaction.query('CREATE thing:1');
  await parent.acquire();
  // It waits in the pool's line.
  const waiting = child.query('RETURN 1').then((answer) => answer);
  const refused = expect(waiting).rejects.toThrow('was closed');
  await wait(0);
  await parent.close({ gracePeriod: 0 });
  await refused;
  expect(child.sessionStats()).toMatchObject({ state: 'closed', activeConnections: 0, openTransactions: 0 });
  expect(pool.sessions()).toMatchObject({
    open: 0,
    totals: { activeConnections: 0, totalOperations: 1, totalTransactions: 1, openTransactions: 0 },
  });
});

test('an export is under way until its last piece, and ends with its session', async () => {
  const pool = await own.pool('mem://');
  await pool.query('CREATE thing:1');
  const session = pool.createSession({ agentId: 'a' });
  const kept = await session.export().raw();
  const closing = session.close();
  await wait(0);
  expect(session.state).toBe('closing');
  expect(await kept.text()).toContain('thing');
  await closing;

  const other = pool.createSession({ agentId: 'b' });
  const cut = await other.export().raw();
  await other.close({ gracePeriod: 0 });
  await expect(cut.text()).rejects.toThrow(CallAbortedError);
});

test('maxHold that is changed holds at once, for leases and children too', async () => {
  const pool = await own.pool('mem://', { maxConnections: 3 });
  const parent = pool.createSession({ agentId: 'parent', limits: { maxHold: 0 } });
  const child = pool.createSession({ agentId: 'child', parent, limits: { maxHold: '1h' } });
  const early = [await parent.acquire(), await child.acquire()];
  parent.changeLimits({ maxHold: 20 });
  const late = await child.acquire();
  await expect.poll(() => parent.sessionStats().activeConnections).toBe(0);
  for (const lease of [...early, late]) {
    await expect(lease.query('RETURN 1').then((answer) => answer)).rejects.toThrow('maxHold (20 ms)');
  }
  // A longer one holds too.
  parent.changeLimits({ maxHold: null });
  const kept = await parent.acquire();
  await wait(50);
  await kept.query('RETURN 1');
  expect(parent.sessionStats().activeConnections).toBe(1);
});
