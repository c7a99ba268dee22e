import { channel, tracingChannel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { surql } from 'surrealdb';
import { expect, test, vi } from 'vitest';
import { createPool, type Logger, type PoolEvents } from '../../src/index.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();

const password = 'p4ssw0rd-that-nobody-may-see';
const variable = 'v4riable-that-nobody-may-see';
const binding = 'b1nding-that-nobody-may-see';

/** Everything a value shows of itself, in every way there is to look at it. */
function everythingOf(value: unknown): string {
  const seen = [inspect(value, { depth: 20, showHidden: true, getters: true })];
  if (value instanceof Error) seen.push(String(value), value.stack ?? '', everythingOf(value.cause));
  try {
    seen.push(JSON.stringify(value));
  } catch {
    // What cannot be written as JSON shows nothing that way.
  }
  return seen.join('\n');
}

test('nothing that the pool emits carries a password, a token, a variable or a binding, whatever goes wrong', async () => {
  await own.engine.query(`DEFINE USER secretive ON ROOT PASSWORD "${password}" ROLES OWNER`, place);
  const front = await own.listen({ auth: true });
  const emitted: string[] = [];
  const see = (value: unknown): void => void emitted.push(everythingOf(value));
  const tokens = new Set<string>();
  front.onRequest = ({ method, params }) => {
    if (method === 'authenticate') tokens.add(String(params[0]));
    return 'pass';
  };

  const logger: Logger = { debug: see, info: see, warn: see, error: see };
  const onMessage = (message: unknown): void => see(message);
  const names = ['query', 'acquire', 'connect'].map((name) => tracingChannel(`surreal-pool:${name}`));
  const subscriber = { start: onMessage, end: onMessage, asyncStart: onMessage, asyncEnd: onMessage, error: onMessage };
  for (const tracing of names) tracing.subscribe(subscriber);
  channel('surreal-pool:connection').subscribe(onMessage);

  const pool = await own.connect(front, {
    credentials: { username: 'secretive', password },
    minConnections: 3,
    maxConnections: 3,
    connectionTimeout: 200,
    leakDetectionThreshold: 1,
    logger,
  });
  const events: (keyof PoolEvents)[] = [
    'acquired',
    'acquireTimedOut',
    'openFailed',
    'died',
    'closed',
    'validationFailed',
    'changeFailed',
    'tokenRenewalFailed',
  ];
  for (const event of events) pool.subscribe(event, see);
  await vi.waitFor(() => expect(pool.poolStats().idle).toBe(3));

  const connection = await pool.acquire();
  await connection.set('secret', variable);
  see(connection);
  see(
    await connection
      .query(surql`THROW ${'no'} + ${'!'}; RETURN ${binding} = ${'x'}`)
      .collect()
      .catch((error: unknown) => error),
  );
  const circle: { self?: unknown; binding: string } = { binding };
  circle.self = circle;
  see(
    await connection
      .query('RETURN $circle', { circle })
      .collect()
      .catch((error: unknown) => error),
  );
  const guest = { credentials: { username: 'secretive', password: `${password}-wrong` }, variables: { variable } };
  see(await pool.acquire(guest).catch((error: unknown) => error));
  see(await connection.signin({ username: 'root', password: `${password}-wrong` }).catch((error: unknown) => error));
  front.onRequest = ({ params }) => (params[0] === 'RETURN $b' ? 'drop' : 'pass');
  see(
    await connection
      .query('RETURN $b', { b: binding })
      .collect()
      .catch((error: unknown) => error),
  );
  connection.release();
  const held = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
  see(await pool.acquire().catch((error: unknown) => error));
  for (const lease of held) lease.release();
  front.refuse = true;
  front.dropAll();
  await vi.waitFor(() => expect(pool.poolStats().openFailed).toBeGreaterThan(0));
  see(pool.metrics());
  see(pool);
  see(await pool.shutdown());
  front.refuse = false;
  front.onRequest = () => 'pass';
  see(
    await createPool(front.url, { ...place, credentials: { username: 'secretive', password: `${password}!` } }).catch(
      (error: unknown) => error,
    ),
  );
  const misspelled: object = { ...place, credentials: { username: 'x', pasword: password } };
  see(await createPool(front.url, misspelled as typeof place).catch((error: unknown) => error));
  see(await createPool(`ws://root:${password}@localhost:1`, place).catch((error: unknown) => error));

  for (const tracing of names) tracing.unsubscribe(subscriber);
  channel('surreal-pool:connection').unsubscribe(onMessage);

  const all = emitted.join('\n');
  expect(all.length).toBeGreaterThan(10_000);
  expect(tokens.size).toBeGreaterThan(0);
  for (const secret of [password, variable, binding, ...tokens]) {
    expect(emitted.filter((text) => text.includes(secret)).map((text) => text.slice(0, 2000))).toEqual([]);
  }
});
