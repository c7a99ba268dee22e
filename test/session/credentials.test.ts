import { setTimeout as sleep } from 'node:timers/promises';
import { RecordId } from 'surrealdb';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  AcquireAbortedError,
  AcquireFailedError,
  AcquireTimeoutError,
  type ConnectionManager,
  type Credentials,
  createPool,
} from '../../src/index.js';
import type { Front } from '../support/front.js';
import { asked, place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const root = { username: 'root', password: 'secret' };
const elsewhere = { namespace: 'test', database: 'second' };
const far = { namespace: 'other', database: 'place' };

beforeEach(async () => {
  await own.engine.query('DEFINE NAMESPACE IF NOT EXISTS other; USE NS other; DEFINE DATABASE IF NOT EXISTS place');
  await own.engine.query('USE NS test; DEFINE DATABASE IF NOT EXISTS second');
  for (const where of [place, elsewhere, far]) {
    await own.engine.query(
      `DEFINE TABLE OVERWRITE person PERMISSIONS FULL; DELETE person; CREATE person:ada SET name = "Ada";
       DEFINE ACCESS OVERWRITE person ON DATABASE TYPE RECORD SIGNIN (SELECT * FROM person WHERE name = $name);
       DEFINE ACCESS OVERWRITE fresh ON DATABASE TYPE RECORD SIGNIN (SELECT * FROM person WHERE name = $name)
         WITH REFRESH DURATION FOR TOKEN 2s, FOR SESSION 1h, FOR GRANT 10d;
       DEFINE USER OVERWRITE clerk ON DATABASE PASSWORD "secret" ROLES EDITOR;
       DEFINE ACCESS OVERWRITE grants ON DATABASE TYPE BEARER FOR USER DURATION FOR GRANT 1d;`,
      where,
    );
  }
  await own.engine.query('DEFINE USER OVERWRITE chief ON NAMESPACE PASSWORD "secret" ROLES EDITOR', far);
});

async function scene(options: object = {}): Promise<[Front, ConnectionManager]> {
  const front = await own.listen({ auth: true });
  return [front, await own.connect(front, { credentials: root, maxConnections: 2, ...options })];
}

const ada = { access: 'person', variables: { name: 'Ada' } };

describe('an identity in a place where its user has no rights', () => {
  const users: [string, Credentials & object, string][] = [
    ['a record user of another database', { ...ada, ...elsewhere }, 'a record user of "test/second" by access'],
    [
      'a record user of another namespace',
      { ...ada, ...far },
      'a record user of "other/place" by access method "person"',
    ],
    ['a database user', { username: 'clerk', password: 'secret', ...elsewhere }, 'a user of "test/second"'],
    ['a namespace user', { username: 'chief', password: 'secret', namespace: 'other' }, 'a user of namespace "other"'],
  ];

  test.each(users)('is refused at the lease: %s', async (_who, credentials, user) => {
    const [front, pool] = await scene();
    const { access } = await pool.withConnection((connection) => connection.signin(credentials as never));
    for (const given of [{ token: access }, credentials]) {
      const refusal = await pool.acquire({ credentials: given }).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(AcquireFailedError);
      expect(String(refusal)).toContain(user);
      expect(String(refusal)).toContain('has no rights in "test/test"');
      expect(String(refusal)).not.toMatch(/Ada|ada|clerk|chief|secret/);
    }
    await expect(
      createPool(front.url, { ...place, credentials, retryPolicy: { maxAttempts: 1 } }),
    ).rejects.toMatchObject({ code: 'ERR_POOL_CONNECT', fatal: true });
    expect(await pool.query('RETURN $token.ID')).toEqual(['root']);
    expect(pool.healthStatus()).toMatchObject({ healthy: true, circuitBreakerState: 'closed' });
  });

  test('is refused when a connection of the same user would be moved there, and costs none', async () => {
    const [, pool] = await scene({ maxConnections: 1 });
    const { access } = await pool.withConnection((connection) => connection.signin({ ...ada, ...place }));
    const credentials = { token: access };
    await pool.withConnection(() => {}, { credentials });
    await expect(pool.acquire({ credentials, ...elsewhere })).rejects.toThrow(/has no rights in "test\/second"/);
    await using connection = await pool.acquire({ credentials });
    expect(await connection.query('RETURN [$auth, session::db()]')).toEqual([[new RecordId('person', 'ada'), 'test']]);
    expect(pool.poolStats()).toMatchObject({ opened: 1, closed: 0 });
  });

  test('is where it belongs when it names that place', async () => {
    const [, pool] = await scene();
    for (const [, credentials] of users.slice(0, 3)) {
      const where =
        'database' in credentials ? { namespace: credentials.namespace, database: credentials.database } : far;
      await using connection = await pool.acquire({ credentials, ...(where as typeof far) });
      expect(await connection.query('RETURN session::db()')).toEqual([where.database]);
    }
  });
});

describe('a credentials function', () => {
  test('that never answers holds no connection, and others are served', async () => {
    const [, pool] = await scene({ maxConnections: 1, openTimeout: 1_000 });
    await pool.query('RETURN 1');
    let calls = 0;
    const silent = (): Promise<never> => {
      calls++;
      return new Promise(() => {});
    };
    const abort = new AbortController();
    const waiting = [
      pool.acquire({ credentials: silent }),
      pool.acquire({ credentials: silent, timeout: 300 }),
      pool.acquire({ credentials: silent, signal: abort.signal }),
    ].map((acquire) => acquire.catch((error: unknown) => error));
    for (let turn = 0; turn < 5; turn++) expect(await pool.query('RETURN 1')).toEqual([1]);
    abort.abort(new Error('the client is gone'));
    const [failed, timedOut, aborted] = await Promise.all(waiting);
    expect(failed).toBeInstanceOf(AcquireFailedError);
    expect(String(failed)).toMatch(/the credentials function did not finish within 800 ms/);
    expect(timedOut).toBeInstanceOf(AcquireTimeoutError);
    expect(String(timedOut)).toMatch(/within 300 ms: the credentials function is still under way/);
    expect(aborted).toBeInstanceOf(AcquireAbortedError);
    expect(calls, 'all wait for one call').toBe(1);
    expect(pool.poolStats()).toMatchObject({
      ...{ opened: 1, closed: 0, changes: 0, changesFailed: 0, started: 9, served: 6 },
      ...{ failed: 1, timedOut: 1, aborted: 1 },
    });
  });

  test('that never answers is given up when the pool shuts down', async () => {
    const [, pool] = await scene();
    const waiting = pool.acquire({ credentials: () => new Promise<never>(() => {}) });
    const ended = expect(waiting).rejects.toMatchObject({ code: 'ERR_POOL_SHUTDOWN' });
    await pool.shutdown({ gracePeriod: 0 });
    await ended;
  });

  test('is asked again after it failed, and after its credentials were refused', async () => {
    const [, pool] = await scene();
    const answers = [Promise.reject(new Error('sealed')), { ...root, password: 'old' }, root];
    answers[0] instanceof Promise && answers[0].catch(() => {});
    const credentials = async (): Promise<Credentials> => (await answers.shift()) as Credentials;
    await expect(pool.acquire({ credentials })).rejects.toThrow(/returned no credentials: sealed/);
    await expect(pool.acquire({ credentials })).rejects.toThrow(/refuses the credentials/);
    await pool.withConnection(() => {}, { credentials });
    expect(answers).toEqual([]);
  });

  test('made anew for each request is one identity by its key, and the one given last is asked', async () => {
    const [front, pool] = await scene();
    const before = asked(front, 'signin');
    let asking: number[] = [];
    const request = (number: number, credentialsKey: string): Promise<unknown> => {
      const credentials = (): Credentials => {
        asking.push(number);
        return ada;
      };
      return pool.scope({ credentials, credentialsKey }).query('RETURN $auth');
    };
    for (let number = 0; number < 25; number++) {
      expect(await request(number, 'ada')).toEqual([new RecordId('person', 'ada')]);
    }
    expect(asking).toEqual([0]);
    expect(asked(front, 'signin')).toBe(before + 1);
    asking = [];
    await request(0, 'bob');
    expect(asking, 'another key is another identity').toEqual([0]);
  });

  test('made anew for each request without a key is hinted at once', async () => {
    const lines: unknown[] = [];
    const logger = { debug() {}, info() {}, warn: (...line: unknown[]) => lines.push(line), error() {} };
    const [, pool] = await scene({ logger });
    const view = (): unknown => pool.scope({ credentials: () => ada });
    for (let number = 0; number < 20; number++) view();
    expect(lines).toEqual([]);
    for (let number = 0; number < 30; number++) view();
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines)).toMatch(/credentialsKey/);
  });
});

describe('an anonymous identity', () => {
  test('is lent when it is asked for, and never by mistake', async () => {
    const [, pool] = await scene({ maxConnections: 1 });
    await own.engine.query('DEFINE TABLE OVERWRITE open PERMISSIONS FULL', place);
    for (let turn = 0; turn < 2; turn++) {
      const refused = await pool
        .scope({ credentials: null })
        .query('RETURN $token')
        .collect()
        .catch((error: unknown) => error);
      expect(String(refused)).toMatch(/Anonymous access not allowed|anonymous/i);
      expect(await pool.query('RETURN $token.ID')).toEqual(['root']);
    }
  });

  test('is what a pool without credentials is already', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 1 });
    await pool.query('RETURN 1');
    await pool.withConnection((connection) => connection.query('RETURN 1'), { credentials: null });
    expect(pool.poolStats()).toMatchObject({ opened: 1, changes: 0 });
  });
});

test('the key of a bearer grant signs in, by the pool and on a lease', async () => {
  const [front, pool] = await scene();
  const [granted] = await own.engine.query('ACCESS grants ON DATABASE GRANT FOR USER clerk', place);
  const credentials = { access: 'grants', key: (granted as { grant: { key: string } }).grant.key };
  expect(await pool.scope({ credentials }).query('RETURN [$token.ID, $access]')).toEqual([['clerk', 'grants']]);
  const home = await own.connect(front, { credentials, maxConnections: 1 });
  expect(await home.query('RETURN $token.ID')).toEqual(['clerk']);
  await using lease = await pool.acquire();
  await lease.signin({ ...place, ...credentials });
  expect(await lease.query('RETURN $token.ID')).toEqual(['clerk']);
});

describe('a pair of tokens', () => {
  async function pairOf(pool: ConnectionManager): Promise<{ access: string; refresh: string }> {
    const credentials = { ...place, access: 'fresh', variables: { name: 'Ada' } };
    const { access, refresh } = await pool.withConnection((connection) => connection.signin(credentials));
    expect(refresh).toMatch(/^surreal-refresh/);
    return { access, refresh: refresh ?? '' };
  }

  test('is renewed by the pool, which keeps the new refresh token, in use or not', async () => {
    const [, pool] = await scene();
    const credentials = await pairOf(pool);
    const who = (): Promise<unknown> =>
      pool.withConnection((own) => own.query('RETURN [$auth, session::db()]').collect(), { credentials });
    const first = await who();
    expect(first).toEqual([[new RecordId('person', 'ada'), 'test']]);
    for (const pause of [2_500, 3_500]) {
      await sleep(pause);
      expect(await Promise.all([who(), who(), who()])).toEqual([first, first, first]);
    }
  });

  test('whose access token has ended is renewed by its refresh token at the first lease', async () => {
    const [, pool] = await scene();
    const credentials = await pairOf(pool);
    await sleep(3_100);
    const as = { credentials: { token: credentials } };
    const who = await Promise.all([1, 2, 3].map(() => pool.scope(as).query('RETURN $auth').collect()));
    expect(who).toEqual([1, 2, 3].map(() => [new RecordId('person', 'ada')]));
  });

  test('is renewed on an embedded engine too', async () => {
    const pool = await own.pool('mem://', { maxConnections: 2 });
    await pool.query(
      `CREATE person:ada; DEFINE ACCESS fresh ON DATABASE TYPE RECORD SIGNIN (SELECT * FROM person)
       WITH REFRESH DURATION FOR TOKEN 1s, FOR SESSION 1h`,
    );
    const tokens = await pool.withConnection((lease) => lease.signin({ ...place, access: 'fresh', variables: {} }));
    await sleep(2_100);
    await using lease = await pool.acquire({ credentials: { token: tokens } });
    expect(await lease.query('RETURN $auth')).toEqual([new RecordId('person', 'ada')]);
  });

  test('that was spent elsewhere is refused with a typed error', async () => {
    const [, pool] = await scene();
    const credentials = await pairOf(pool);
    await pool.withConnection((connection) => connection.authenticate(credentials));
    await sleep(3_100);
    await expect(pool.acquire({ credentials })).rejects.toBeInstanceOf(AcquireFailedError);
  });

  test('given to authenticate() on a lease comes back as a new pair, and signs the lease in', async () => {
    const [, pool] = await scene({ maxConnections: 1 });
    const given = await pairOf(pool);
    const first = await pool.withConnection(async (connection) => {
      const next = await connection.authenticate(given);
      expect(await connection.query('RETURN $auth')).toEqual([new RecordId('person', 'ada')]);
      return next;
    });
    expect(first.refresh).not.toBe(given.refresh);
    await using lease = await pool.acquire();
    expect(await lease.query('RETURN $token.ID'), 'undone at the release').toEqual(['root']);
    await expect(lease.authenticate(given)).rejects.toMatchObject({ kind: 'NotAllowed' });
    expect(await lease.authenticate({ access: first.access })).toEqual({ access: first.access });
  });
});
