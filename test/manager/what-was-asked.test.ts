import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import pino from 'pino';
import { rolldown } from 'rolldown';
import { AlreadyExistsError, RecordId, ServerError, ThrownError } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import type { Asked, PoolError } from '../../src/index.js';
import * as everything from '../../src/index.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const root = { username: 'root', password: 'secret' };

type Failure = Error & { readonly asked?: Asked };

async function failureOf(work: PromiseLike<unknown>): Promise<Failure> {
  return await Promise.resolve(work).then(
    () => expect.unreachable(),
    (error: Failure) => error,
  );
}

describe('an error', () => {
  test('of the server says what was asked, of which connection, where and as whom, and stays what it is', async () => {
    const front = await own.listen({ auth: true });
    const pool = await own.connect(front, { credentials: root, name: 'orders' });
    await pool.create(new RecordId('thing', 1));
    const failure = await failureOf(pool.create(new RecordId('thing', 1)).content({ secret: 'p4ssw0rd' }));
    expect(failure).toBeInstanceOf(AlreadyExistsError);
    expect(failure).toBeInstanceOf(ServerError);
    expect(failure).toMatchObject({ kind: 'AlreadyExists', outcome: 'refused' });
    expect(failure.asked).toEqual({
      pool: 'orders',
      statement: expect.stringMatching(/^CREATE ONLY \$\w+ CONTENT \$\w+$/),
      connection: 1,
      namespace: 'test',
      database: 'test',
      user: 'root user "root"',
    });
    expect(inspect(failure)).toContain('user: \'root user "root"\'');
    expect(JSON.stringify(failure)).toContain('CREATE ONLY');
    expect(`${inspect(failure)}${JSON.stringify(failure)}`).not.toContain('p4ssw0rd');
  });

  test('says in which transaction it was, and where a lease had moved and signed in', async () => {
    await own.engine.query('DEFINE USER OVERWRITE clerk ON DATABASE PASSWORD "secret" ROLES EDITOR', place);
    await own.engine.query('USE NS test; DEFINE DATABASE IF NOT EXISTS second');
    const front = await own.listen({ auth: true });
    const pool = await own.connect(front, { credentials: root });
    await pool.withConnection(async (connection) => {
      await connection.use({ namespace: 'test', database: 'second' });
      const moved = await failureOf(connection.query('THROW 1'));
      expect(moved.asked).toMatchObject({ pool: 'test/test', connection: connection.id, database: 'second' });
      expect(moved.asked).not.toHaveProperty('transaction');
      await connection.use(place);
      await connection.signin({ username: 'clerk', password: 'secret', ...place });
      const signedIn = await failureOf(connection.query('THROW 1'));
      expect(signedIn.asked).toMatchObject({ user: 'user "clerk" of "test/test"' });
      await connection.invalidate();
      expect((await failureOf(connection.query('THROW 1'))).asked).toMatchObject({ user: 'no user' });
    });
    for (const number of [1, 2]) {
      const failure = await failureOf(pool.withTransaction((transaction) => transaction.query('THROW 1')));
      expect(failure).toBeInstanceOf(ThrownError);
      expect(failure.asked).toMatchObject({ transaction: number, statement: 'THROW 1' });
    }
  });

  test('shows long statements in short, and no text and no comment of them', async () => {
    const pool = await own.pool('mem://');
    const long = await failureOf(pool.query(`SELECT *,\n  ${'x'.repeat(5_000)}\nFROM nowhere`));
    expect(long.asked?.statement).toMatch(/^SELECT \*, x{150,200}…$/);
    const definitions = [
      `THROW 1; DEFINE USER a ON ROOT PASSWORD 'p4ssw0rd'`,
      `THROW 1; define user a on root password "p4ss\\"p4ssw0rd"`,
      `THROW 1; DEFINE USER a ON ROOT PASSHASH "p4ssw0rd"`,
      `THROW 1; DEFINE ACCESS a ON DATABASE TYPE JWT ALGORITHM HS512 KEY "p4ssw0rd"`,
      `THROW 1; DEFINE USER a ON ROOT PASSWORD "p4ssw0rd${'x'.repeat(3_000)}"`,
      `THROW 1; DEFINE USER a ON ROOT PASSWORD"p4ssw0rd"`,
      `THROW 1; DEFINE USER a ON ROOT PASSWORD /* it's a p4ss */ s'p4ssw0rd'`,
      `THROW 1; DEFINE ACCESS a ON DATABASE TYPE JWT URL "https://host/?token=p4ssw0rd"`,
      `THROW 1; CREATE user SET pass = 'p4ssw0rd' -- p4ss`,
      `THROW 1; RETURN crypto::argon2::generate('p4ssw0rd')`,
    ];
    for (const text of definitions) {
      const { asked } = await failureOf(pool.query(text));
      expect(asked?.statement).toMatch(/'…'|…$/);
      expect(asked?.statement).not.toContain('p4ss');
    }
  });

  test('of an acquire says which pool, where and as whom', async () => {
    const front = await own.listen({ auth: true });
    const pool = await own.connect(front, { credentials: root, maxConnections: 1, name: 'orders' });
    const held = await pool.acquire();
    const credentials = { access: 'account', variables: { email: 'p4ssw0rd' } };
    const failure = await failureOf(pool.acquire({ timeout: 10, credentials }));
    expect(failure).toMatchObject({ code: 'ERR_POOL_ACQUIRE_TIMEOUT', snapshot: { pool: 'orders', leased: 1 } });
    expect(failure.asked).toEqual({
      pool: 'orders',
      ...place,
      user: 'record user by access method "account"',
    });
    held.release();
    const query = await failureOf(pool.scope({ timeout: 10, ...place, credentials: null }).query('THROW 1'));
    expect(query.asked).toMatchObject({ statement: 'THROW 1', user: 'no user' });
  });

  test('shows its code to whoever prints it', async () => {
    const pool = await own.pool('mem://', { maxConnections: 1 });
    const held = await pool.acquire();
    const failure = await failureOf(pool.acquire({ timeout: 10 }));
    held.release();
    expect(Object.keys(failure)).toContain('code');
    expect(inspect(failure)).toContain("code: 'ERR_POOL_ACQUIRE_TIMEOUT'");
    expect(JSON.parse(JSON.stringify(failure))).toMatchObject({
      name: 'AcquireTimeoutError',
      message: failure.message,
      code: 'ERR_POOL_ACQUIRE_TIMEOUT',
      retryable: true,
      asked: { pool: 'test/test' },
    });
    const lines: string[] = [];
    pino({ base: null }, { write: (line) => void lines.push(line) }).error({ err: failure }, 'failed');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      err: { type: 'AcquireTimeoutError', code: 'ERR_POOL_ACQUIRE_TIMEOUT', snapshot: { leased: 1 } },
    });
  });
});

/** The classes of errors of a module, by the names they are exported under: how they call themselves, and their codes. */
function namesIn(module: object): [string, string, string][] {
  return Object.entries(module)
    .filter((entry): entry is [string, typeof PoolError] => typeof entry[1] === 'function' && 'code' in entry[1])
    .map(([name, { name: told, code }]) => [name, told, code]);
}

test('the names of errors survive a bundler that shortens names', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'surreal-pool-names-'));
  try {
    const entry = join(folder, 'entry.mjs');
    const sources = new URL('../../src/', import.meta.url);
    const errors = 'acquire agent audit backup call configuration connect endpoint savepoint transaction'.split(' ');
    await writeFile(
      entry,
      errors
        .map((file) => `export * from ${JSON.stringify(new URL(`errors/${file}.ts`, sources).pathname)};\n`)
        .join(''),
    );
    const bundle = await rolldown({ input: entry, platform: 'node', external: [/^node:/, 'surrealdb'] });
    const file = join(folder, 'bundle.mjs');
    await bundle.write({ file, format: 'esm', minify: true });
    await bundle.close();
    const module = (await import(pathToFileURL(file).href)) as typeof everything;
    expect(String(new module.UsageError('like this'))).toBe('UsageError: like this');
    const minified = namesIn(module);
    expect(minified.length).toBeGreaterThan(20);
    for (const [name, told] of minified) expect(told).toBe(name);
    const { PoolError: _, ...classes } = everything as unknown as Record<string, unknown>;
    expect(minified.sort()).toEqual(namesIn(classes).sort());
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('a password that the server refuses', () => {
  const refusals: [string, object, RegExp][] = [
    ['a wrong one', { ...root, password: 'wrong' }, /the password is wrong, or it is not that of a root user$/],
    [
      'a root user with a namespace',
      { ...root, namespace: 'test' },
      /name and password of a root user: leave namespace and database out/,
    ],
    [
      'a database user as a root user',
      { username: 'clerk', password: 'secret' },
      /of a user of "test\/test": put \{ namespace: "test", database: "test" \} in the credentials$/,
    ],
    ['nobody', { username: 'nobody', password: 'secret', ...place }, /is not that of a user of "test\/test"$/],
  ];

  test.each(refusals)('says what is the matter: %s', async (_what, credentials, message) => {
    await own.engine.query('DEFINE USER OVERWRITE clerk ON DATABASE PASSWORD "secret" ROLES EDITOR', place);
    const front = await own.listen({ auth: true });
    const failure = await failureOf(own.connect(front, { credentials: credentials as typeof root }));
    expect(failure).toMatchObject({ code: 'ERR_POOL_CONNECT', fatal: true });
    expect(failure.message).toMatch(message);
    expect(failure.message).not.toMatch(/secret|wrong"|clerk/);
  });

  test('costs the server no more attempts when it is that of a caller', async () => {
    const front = await own.listen({ auth: true });
    const pool = await own.connect(front, { credentials: root });
    const before = front.requests.get('signin') ?? 0;
    const failure = await failureOf(pool.acquire({ credentials: { ...root, password: 'wrong' } }));
    expect(failure.message).toMatch(/the password is wrong, or it is not that of a root user$/);
    expect((front.requests.get('signin') ?? 0) - before).toBe(1);
  });
});
