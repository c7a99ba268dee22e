import { setTimeout as sleep } from 'node:timers/promises';
import type { SurrealQueryable } from 'surrealdb';
import { beforeEach, expect, test } from 'vitest';
import { bareSdk } from '../support/bare.js';
import { asked, place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const bare = bareSdk();
const credentials = { username: 'brief', password: 'secret' };

beforeEach(async () => {
  await own.engine.query(
    'DEFINE USER OVERWRITE brief ON ROOT PASSWORD "secret" ROLES OWNER DURATION FOR TOKEN 2s',
    place,
  );
});

/** When the token of the session has ended, in milliseconds since 1970: it counts whole seconds. */
async function endOfToken(connection: SurrealQueryable): Promise<number> {
  const [expiry] = await connection.query('RETURN $token.exp').collect<[number]>();
  return expiry * 1_000 + 1_100;
}

test('a client of the SDK that signed in by signin() is nobody after the life of its token, in silence', async ({
  skip,
}) => {
  const front = await own.listen({ auth: true });
  const client = await bare.connect(front.url, { ...place, reconnect: false });
  await client.signin(credentials);
  const end = await endOfToken(client);
  await sleep(end - Date.now());

  const [outcome] = await Promise.allSettled([client.query('RETURN 1').collect()]);
  skip(outcome.status === 'fulfilled', 'the SDK no longer signs a session out when its token ends');
  expect(client.status).toBe('connected');
  expect(asked(front, 'invalidate'), 'it was the SDK who did it').toBe(1);
  expect(outcome).toMatchObject({
    reason: { kind: 'NotAllowed', message: expect.stringContaining('Anonymous access not allowed') },
  });
});

test('a connection of the pool stays signed in after the life of its token, and so is each that comes later', async () => {
  const front = await own.listen({ auth: true });
  const pool = await own.connect(front, { credentials, maxConnections: 2 });
  const connection = await pool.acquire();
  const end = await endOfToken(connection);
  await sleep(end - Date.now());

  expect(await connection.query('RETURN 1')).toEqual([1]);
  const later = await pool.acquire();
  expect(await later.query('RETURN 1')).toEqual([1]);
  expect(pool.poolStats().opened).toBe(2);
  expect(asked(front, 'invalidate')).toBe(0);
  connection.release();
  later.release();
});
