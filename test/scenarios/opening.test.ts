import { expect, test } from 'vitest';
import { CircuitOpenError } from '../../src/errors/acquire.js';
import { fullJitterBackoff } from '../../src/time/backoff.js';
import { behaving, fill, leaseOf, watch } from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';
import { scenario } from './ending.js';

test('scenario 3: a caller gives up while its connection opens slowly: the connection opens all the same and serves the next', async () => {
  const { pool, resources } = scenario();
  resources.behave = behaving({ open: 'slow' });
  const abort = new AbortController();
  const first = watch(pool.acquire({ signal: abort.signal }));
  await settled();
  abort.abort();
  await settled();
  expect(first.state).toBe('rejected');
  expect(pool.statistics()).toMatchObject({ opening: 1, waiting: 0 });
  const second = watch(pool.acquire());
  resources.finish('open');
  await settled();
  expect(leaseOf(second).id).toBe(1);
  expect(resources.opensStarted).toBe(1);
  leaseOf(second).release();
});

test('scenario 6: the first attempt to connect fails while two wait: both are served by the next one, without another request', async () => {
  const { pool, clock, resources } = scenario({ maxConnecting: 1 });
  resources.behave = behaving({ open: 'slow' });
  const waiters = [watch(pool.acquire()), watch(pool.acquire())];
  await settled();
  expect(resources.opensRunning).toBe(1);
  resources.finish('open', false);
  await settled();
  expect(
    waiters.map(({ state }) => state),
    'nobody pays for it',
  ).toEqual(['pending', 'pending']);
  resources.behave = behaving({});
  await clock.advance(100);
  expect(waiters.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled']);
  for (const waiter of waiters) leaseOf(waiter).release();
});

test('scenario 7: the server is down for a second: attempts are 0.1, 0.2, 0.4 and 0.8 s apart, and it heals without a new request', async () => {
  // The largest pauses that the jitter may draw.
  const backoff = fullJitterBackoff({ initialBackoff: 100, maxBackoff: 5000, multiplier: 2 }, () => 1);
  const { pool, clock, resources } = scenario(
    { minConnections: 2, warmConnections: true, maxConnecting: 1 },
    { backoff },
  );
  await pool.start(1);
  await settled();
  expect(pool.statistics().idle).toBe(2);
  // Connections that have lasted: the loss of a younger one would be a failed attempt itself.
  await clock.advance(1000);

  const attempts: number[] = [];
  const down = clock.now();
  pool.events.subscribe('opening', () => attempts.push(clock.now() - down));
  resources.behave = behaving({ open: 'fail' });
  for (const resource of resources.all) resource.die(new Error('the server is gone'));
  await clock.advance(1000);
  expect(attempts).toEqual([0, 100, 300, 700]);
  expect(pool.statistics()).toMatchObject({ total: 0, openFailed: 4 });

  resources.behave = behaving({});
  await clock.advance(600);
  // The first that works after failures has to answer before the next one begins.
  expect(attempts.slice(4)).toEqual([1500, 1600]);
  expect(pool.statistics()).toMatchObject({ idle: 2, started: 0 });
});

test('scenario 8: a server that stays away is given up, which is told once and at once to everybody; when it is back the next caller is served', async () => {
  const { pool, clock, resources } = scenario(
    { minConnections: 1, warmConnections: true, maxConnecting: 1, connectionTimeout: 0 },
    { failureThreshold: 3, probeInterval: 1000, idleProbeInterval: 5000 },
  );
  await pool.start(1);
  const states: string[] = [];
  pool.events.subscribe('circuitChanged', ({ state }) => states.push(state));
  resources.behave = behaving({ open: 'fail' });
  for (const resource of resources.all) resource.die(new Error('the server is gone'));
  const waiter = watch(pool.acquire());
  await clock.advance(200);
  expect(states).toEqual(['open']);
  expect(waiter.error, 'who waits for ever does not').toBeInstanceOf(CircuitOpenError);
  expect(pool.statistics()).toMatchObject({ total: 0, waiting: 0 });
  const late = watch(pool.acquire());
  await settled();
  expect(late.error).toBeInstanceOf(CircuitOpenError);

  resources.behave = behaving({});
  const { nextProbeIn } = late.error as CircuitOpenError;
  await clock.advance(nextProbeIn);
  expect(states).toEqual(['open', 'half-open', 'closed']);
  const next = watch(pool.acquire());
  await settled();
  leaseOf(next).release();
});

test('scenario 11: one attempt to connect hangs for ever: other attempts and the refill go on', async () => {
  const { pool, clock, resources } = scenario({
    minConnections: 3,
    maxConnections: 3,
    warmConnections: true,
    maxConnecting: 2,
    openTimeout: 0xffff,
  });
  let attempts = 0;
  resources.behave = (step) => (step === 'open' && ++attempts === 1 ? 'never' : 'ok');
  await pool.start(1);
  await settled();
  expect(pool.statistics()).toMatchObject({ idle: 2, opening: 1 });
  // Connections that have lasted: the loss of a younger one would be a failed attempt itself.
  await clock.advance(1000);
  for (const resource of [...resources.all]) resource.die(new Error('gone'));
  await settled();
  expect(pool.statistics(), 'filled up again beside it').toMatchObject({ idle: 2, opening: 1, opened: 4 });
  await fill(pool, 2);
  await clock.advance(0xffff);
  expect(pool.statistics(), 'and the one that hung is replaced at its deadline').toMatchObject({ openFailed: 1 });
  await clock.advance(100);
  expect(pool.statistics()).toMatchObject({ idle: 3, opening: 0 });
});
