import { setTimeout as sleep } from 'node:timers/promises';
import type { DateTime, SurrealQueryable } from 'surrealdb';
import { beforeEach, expect, inject, test, vi } from 'vitest';
import { bareSdk } from '../support/bare.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const bare = bareSdk();
const signup = { ...place, access: 'visitor', variables: {} };

beforeEach(async () => {
  await own.engine.query(
    'DEFINE ACCESS OVERWRITE visitor ON DATABASE TYPE RECORD SIGNUP (CREATE thing) DURATION FOR SESSION 2s',
    place,
  );
});

/** When the session has ended, in milliseconds since 1970: a second after what it says, for it counts whole ones. */
async function endOfSession(connection: SurrealQueryable): Promise<number> {
  const [expiry] = await connection.query('RETURN time::from_unix($session.exp)').collect<[DateTime]>();
  return expiry.toDate().getTime() + 1_100;
}

test('reset() of the SDK by itself keeps the expiry of the session, which ends later under whoever uses it', async ({
  skip,
}) => {
  skip(inject('server') !== undefined, 'with authentication on, a session that was reset may not ask for anything');
  const client = await bare.connect((await own.listen()).url, { ...place, reconnect: false });
  await client.signup(signup);
  const end = await endOfSession(client);
  await client.reset();
  await client.use(place);
  expect(await client.query('RETURN $auth'), 'it looks like new').toEqual([undefined]);
  await sleep(end - Date.now());

  const [outcome] = await Promise.allSettled([client.query('RETURN 1').collect()]);
  skip(outcome.status === 'fulfilled', 'the server no longer keeps the expiry of a session through its reset');
  expect(outcome).toMatchObject({ reason: { kind: 'NotAllowed', message: expect.stringContaining('expired') } });
});

test('the pool replaces a session somebody signed in on, so that the next one has no expiry', async () => {
  const pool = await own.connect(await own.listen(), { maxConnections: 1 });
  const end = await pool.withConnection(async (connection) => {
    await connection.signup(signup);
    return await endOfSession(connection);
  });
  const connection = await pool.acquire();
  expect(await connection.query('RETURN [$auth, $session.exp]')).toEqual([[undefined, undefined]]);
  await sleep(end - Date.now());

  expect(await connection.query('RETURN 1')).toEqual([1]);
  expect(pool.poolStats().opened, 'on the same connection').toBe(1);
  connection.release();
});

test('a pool whose own user has sessions that end goes on after their end, however busy it is', async () => {
  await own.engine.query('DEFINE USER OVERWRITE guest ON ROOT PASSWORD "secret" ROLES OWNER DURATION FOR SESSION 2s');
  const pool = await own.connect(await own.listen(), {
    credentials: { username: 'guest', password: 'secret' },
    maxConnections: 1,
    // Stands for a pool that is never idle.
    validationInterval: '1h',
  });
  const end = await pool.withConnection(endOfSession);
  await sleep(end - Date.now());
  await vi.waitFor(async () => expect(await pool.query('RETURN 1')).toEqual([1]), { timeout: 2_000 });
});
