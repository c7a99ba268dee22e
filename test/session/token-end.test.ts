import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { AcquireFailedError, type ConnectionManager, type Credentials } from '../../src/index.js';
import type { Front } from '../support/front.js';
import { asked, place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const root = { username: 'root', password: 'secret' };

beforeEach(async () => {
  const access = (name: string, rest: string): string =>
    `DEFINE ACCESS OVERWRITE ${name} ON DATABASE TYPE RECORD SIGNUP (CREATE person SET name = $name)
       SIGNIN (SELECT * FROM person WHERE name = $name) ${rest};`;
  await own.engine.query(
    `DEFINE TABLE OVERWRITE person PERMISSIONS FULL; DELETE person;
     ${access('brief', 'DURATION FOR TOKEN 1s, FOR SESSION 12h')}
     ${access('long', 'DURATION FOR TOKEN 1h, FOR SESSION 12h')}
     ${access('asking', 'AUTHENTICATE { IF $auth.id { RETURN $auth.id } } DURATION FOR TOKEN 1h, FOR SESSION 12h')}
     DEFINE USER OVERWRITE clerk ON DATABASE PASSWORD "secret" ROLES EDITOR;
     DEFINE ACCESS OVERWRITE grants ON DATABASE TYPE BEARER FOR USER DURATION FOR GRANT 1d;`,
    place,
  );
});

let people = 0;

/** A pool of root, and the access token of a new user of an access method. */
async function tokenOf(access: string, options: object = {}): Promise<[Front, ConnectionManager, { token: string }]> {
  const front = await own.listen({ auth: true });
  const pool = await own.connect(front, { credentials: root, maxConnections: 2, ...options });
  const variables = { name: `person ${++people}` };
  const tokens = await pool.withConnection((connection) => connection.signup({ ...place, access, variables }));
  return [front, pool, { token: tokens.access }];
}

async function refusalOf(pool: ConnectionManager, credentials: Credentials): Promise<AcquireFailedError> {
  const refusal = await pool.acquire({ credentials }).then(
    (lease) => lease.release(),
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(AcquireFailedError);
  return refusal as AcquireFailedError;
}

describe('a token that has ended', () => {
  test.each([true, false])(
    'is refused though an idle connection of it has a session that goes on (validateOnCheckout: %s)',
    async (validateOnCheckout) => {
      const [front, pool, credentials] = await tokenOf('brief', { validateOnCheckout });
      await pool.withConnection(() => {}, { credentials });
      await sleep(2_100);
      const queries = asked(front, 'query');
      expect((await refusalOf(pool, credentials)).message).toMatch(/its token ended at \d{4}-\d\d-\d\dT/);
      expect(asked(front, 'query')).toBe(queries);
      // Known now: it costs no connection and no request.
      const requests = [...front.requests.values()].reduce((sum, count) => sum + count);
      expect((await refusalOf(pool, credentials)).cause).toMatchObject({ code: 'ERR_POOL_CONNECT', fatal: true });
      expect([...front.requests.values()].reduce((sum, count) => sum + count)).toBe(requests);
      expect(await pool.query('RETURN $token.ID')).toEqual(['root']);
      expect(pool.healthStatus()).toMatchObject({ healthy: true, circuitBreakerState: 'closed' });
    },
  );

  test('is refused with its end in the error when the pool sees it for the first time', async () => {
    const [, pool, credentials] = await tokenOf('brief');
    await sleep(2_100);
    expect((await refusalOf(pool, credentials)).message).toMatch(/its token ended at /);
    expect(pool.poolStats()).toMatchObject({ failed: 1, closed: 0 });
  });

  test('is replaced by the next one that a credentials function brings', async () => {
    const [, pool, credentials] = await tokenOf('brief');
    const variables = { name: `person ${people}` };
    const given = [credentials.token];
    const next = async (): Promise<{ token: string }> => {
      const tokens = await pool.withConnection((own) => own.signin({ ...place, access: 'brief', variables }));
      given.push(tokens.access);
      return { token: tokens.access };
    };
    const first = await pool.withConnection((own) => own.query('RETURN $auth').collect(), { credentials: next });
    await sleep(2_100);
    expect(await pool.withConnection((own) => own.query('RETURN $auth').collect(), { credentials: next })).toEqual(
      first,
    );
    expect(given.length).toBeGreaterThan(2);
  });

  test('of which a connection is held goes on until its release', async () => {
    const [, pool, credentials] = await tokenOf('brief');
    const held = await pool.acquire({ credentials });
    await sleep(2_100);
    await held.query('RETURN $auth');
    held.release();
    await refusalOf(pool, credentials);
  });
});

describe('an identity that was taken back', () => {
  const soon = { identityCheckInterval: 200 };

  test.each([
    ['its access method was removed', 'long', 'REMOVE ACCESS long ON DATABASE'],
    ['its record was deleted', 'long', 'DELETE person'],
    ['its record was deleted, and the access method asks for it', 'asking', 'DELETE person'],
  ])('is refused within identityCheckInterval when %s', async (_how, access, text) => {
    const [front, pool, credentials] = await tokenOf(access, soon);
    await pool.withConnection(() => {}, { credentials });
    await own.engine.query(text, place);
    await sleep(250);
    for (const sockets of [front.connections, front.connections]) {
      await refusalOf(pool, credentials);
      expect(front.connections).toBeLessThanOrEqual(sockets);
    }
    expect(await pool.query('RETURN $token.ID')).toEqual(['root']);
  });

  test.each<[string, Credentials | 'bearer', string]>([
    ['by password', { ...place, username: 'clerk', password: 'secret' }, 'REMOVE USER clerk ON DATABASE'],
    ['by the key of a grant', 'bearer', 'REMOVE ACCESS grants ON DATABASE'],
  ])('is refused within identityCheckInterval when it signed in %s', async (_how, given, text) => {
    const [, pool] = await tokenOf('long', soon);
    const credentials = given === 'bearer' ? { access: 'grants', key: await grant() } : given;
    await pool.withConnection(() => {}, { credentials });
    await own.engine.query(text, place);
    await sleep(250);
    await refusalOf(pool, credentials);
    expect(await pool.query('RETURN $token.ID')).toEqual(['root']);
  });

  test('that still holds is asked again once per interval, and keeps its connection', async () => {
    const [front, pool, credentials] = await tokenOf('long', { maxConnections: 1, identityCheckInterval: 600 });
    const first = await pool.acquire({ credentials });
    first.release();
    const before = asked(front, 'authenticate');
    for (let turn = 0; turn < 5; turn++) await pool.withConnection(() => {}, { credentials });
    expect(asked(front, 'authenticate')).toBe(before);
    await sleep(650);
    await using again = await pool.acquire({ credentials });
    expect([again.id, asked(front, 'authenticate')]).toEqual([first.id, before + 1]);
    expect(await again.query('RETURN [session::db(), $token != NONE]')).toEqual([['test', true]]);
  });

  test('of the pool itself fails its callers with a typed error', async () => {
    const front = await own.listen({ auth: true });
    const credentials = { ...place, username: 'clerk', password: 'secret' };
    const pool = await own.connect(front, { credentials, maxConnections: 2, ...soon });
    await pool.query('RETURN 1');
    await own.engine.query('REMOVE USER clerk ON DATABASE', place);
    await sleep(250);
    await expect(pool.query('RETURN 1')).rejects.toBeInstanceOf(AcquireFailedError);
  });
});

async function grant(): Promise<string> {
  const [granted] = await own.engine.query('ACCESS grants ON DATABASE GRANT FOR USER clerk', place);
  return (granted as { grant: { key: string } }).grant.key;
}
