import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { Table } from 'surrealdb';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import {
  CallAbortedError,
  ConnectionLostError,
  type ConnectionManager,
  ExportError,
  ImportError,
  LeaseReleasedError,
  type PoolOptions,
  QueryTimeoutError,
  UsageError,
} from '../../src/index.js';
import { collected } from '../support/garbage.js';
import { asked, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings();
const server = inject('server');
const namespace = 'backup';
let last = 0;

/** A pool on a real server where there is one, with authentication on, and else on an embedded engine of its own. */
async function database(options: Partial<PoolOptions> = {}): Promise<ConnectionManager> {
  const place = { namespace, database: `db${++last}` };
  if (server === undefined) return await own.pool(rocksdbUrl(), { ...place, ...options });
  const { url, username, password } = server;
  const pool = await own.pool(url, { ...place, credentials: { username, password }, ...options });
  await pool.scope().query(`REMOVE DATABASE IF EXISTS ${place.database}; DEFINE DATABASE ${place.database}`);
  return pool;
}

const values = `CREATE thing:values SET int = 9007199254740993, negative = -9223372036854775808, dec = 1.500000000000000000000001dec,
  float = 0.1f, large = 1e300f, bytes = <bytes>"a\\u{0}b", date = d"2026-01-01T00:00:00.123456789Z", duration = 1w2ns,
  uuid = u"01a21d45-2668-7751-ab56-d9b8db6c06bf", text = "a;b'c\\"d\\n-- no comment 🙂", link = thing:⟨with space⟩, point = (1.5, 2.5),
  list = [1, [2, { a: NONE, b: NULL }]], range = 1..3, \`a key\` = true;
  CREATE thing:[1, "two", { three: 3 }]; CREATE thing:⟨;⟩ SET n = 1; RELATE thing:values->knows->thing:⟨;⟩ SET since = 2020`;
const schema = `DEFINE TABLE thing SCHEMALESS; DEFINE FIELD n ON thing TYPE option<int> ASSERT $value = NONE OR $value > 0;
  DEFINE INDEX byN ON thing FIELDS n; DEFINE FUNCTION fn::twice($n: int) { LET $two = 2; RETURN $n * $two; };
  DEFINE EVENT made ON thing WHEN $event = "CREATE" THEN { CREATE log; };
  DEFINE PARAM $limit VALUE 7; DEFINE ANALYZER words TOKENIZERS blank FILTERS lowercase`;

async function content(pool: Pick<ConnectionManager, 'query'>): Promise<unknown> {
  return await pool.query(
    'SELECT * FROM thing ORDER BY id; SELECT * FROM knows; SELECT count() FROM log GROUP ALL; INFO FOR DB',
  );
}

beforeEach(async () => {
  if (server === undefined) return;
  await own.engine.query(`DEFINE NAMESPACE IF NOT EXISTS ${namespace}`);
});

describe('an export', () => {
  test('makes the same database again, without loss, as a text, a Blob and a stream', async () => {
    const pool = await database();
    await pool.query(schema);
    await pool.query(values);
    const text = await pool.export();
    const ways = {
      text: () => text,
      blob: () => new Blob([text]),
      stream: async () => (await pool.export().raw()).body as ReadableStream<Uint8Array>,
      // One byte at a time: no letter of several bytes comes as a whole.
      bytes: () => Readable.from([...Buffer.from(text)].map((byte) => Buffer.of(byte))),
    };
    for (const input of Object.values(ways)) {
      const copy = await database();
      await copy.import(await input());
      expect(await copy.export()).toBe(text);
      expect(await content(copy)).toEqual(await content(pool));
      expect(await copy.query('RETURN fn::twice($limit)')).toEqual([14]);
    }
  });

  test('of a lease is of where the lease is', async () => {
    const pool = await database();
    await pool.query('CREATE here:1');
    await using connection = await pool.acquire();
    expect(await connection.export()).toContain('here:1');
    await connection.use({ namespace, database: `elsewhere${last}` });
    await connection.query('CREATE there:1');
    const text = await connection.export();
    expect(text).toContain('there:1');
    expect(text).not.toMatch(/\bhere:1/);
    expect(await connection.version()).toEqual(await pool.version());
    expect((await pool.version()).version).toMatch(/^surrealdb-3\./);
  });

  test('holds what it is asked for, and refuses what it does not know', async () => {
    const pool = await database();
    await pool.query('CREATE a:1; CREATE b:1; DEFINE PARAM $x VALUE 1');
    const text = await pool.export({ tables: ['a'], params: false });
    expect(text).toContain('a:1');
    expect(text).not.toMatch(/b:1|PARAM/);
    expect(await pool.export({ records: false })).not.toContain('a:1');
    for (const wrong of [{ recods: false }, { records: 'no' }, { tables: [1] }]) {
      expect(() => pool.export(wrong as object)).toThrow(/What is to be exported cannot be used/);
    }
  });

  test('of one tenant never shows another, however many run beside each other', async () => {
    const pool = await database({ maxConnections: 3 });
    const tenants = Array.from({ length: 8 }, (_, n) => `tenant${n}`);
    const of = (name: string) => pool.scope({ namespace, database: `${name}_${last}` });
    for (const name of tenants) await of(name).query(`CREATE secret SET of = "${name}"`);
    const exports = await Promise.all(
      [...tenants, ...tenants].map(async (name, n) => {
        await wait(n % 5);
        const text = n % 2 === 0 ? await of(name).export() : await of(name).withConnection((held) => held.export());
        return [name, [...text.matchAll(/of: '(tenant\d)'/g)].map(([, seen]) => seen)];
      }),
    );
    expect(exports).toEqual([...tenants, ...tenants].map((name) => [name, [name]]));
  });

  test('is made as its user: one who may read, and no record user', async () => {
    const pool = await database();
    const [, place] = await pool.query<[null, string]>('CREATE secret:1; RETURN session::db()');
    await pool.query(`DEFINE USER reader ON DATABASE PASSWORD "p" ROLES VIEWER;
      DEFINE ACCESS person ON DATABASE TYPE RECORD SIGNIN (SELECT * FROM person WHERE name = $name); CREATE person SET name = "ada"`);
    const reader = { username: 'reader', password: 'p', namespace, database: place };
    expect(await pool.scope({ credentials: reader }).export()).toContain('secret:1');
    const ada = pool.scope({ credentials: { access: 'person', variables: { name: 'ada' } } });
    const refused = { outcome: 'refused', retryable: false };
    await expect(ada.export().then()).rejects.toMatchObject(refused);
    await expect(ada.export().then()).rejects.toThrow(ExportError);
    await expect(ada.import('OPTION IMPORT; CREATE thing:1')).rejects.toThrow(ImportError);
    await expect(pool.scope({ credentials: reader }).import('OPTION IMPORT; CREATE thing:1')).rejects.toThrow(
      ImportError,
    );
    // A user of one database has no rights in another: a server refuses the move, or would export its own one.
    const moved = { namespace, database: `other${last}` };
    const asReader = await pool.acquire({ credentials: reader });
    const isMoved = await asReader.use(moved).then(
      () => true,
      () => false,
    );
    if (isMoved) await expect(asReader.export().then()).rejects.toThrow(/has no rights in/);
    else expect(await asReader.export()).toContain('secret:1');
    asReader.release();
    await pool.withConnection(async (held) => {
      await held.signin(reader);
      await expect(held.export().then()).rejects.toThrow(UsageError);
    });
  });

  test('takes no connection: with one in all, calls go on beside it', async () => {
    const pool = await database({ maxConnections: 1 });
    await pool.query('FOR $n IN 1..2000 { CREATE thing SET n = $n, text = string::repeat("x", 500) }');
    const response = await pool.export().raw();
    expect(pool.poolStats()).toMatchObject({ leased: 0 });
    expect(await pool.query('RETURN 1')).toEqual([1]);
    expect((await response.text()).match(/text: 'x/g)?.length).toBeGreaterThan(1998);
    const running = pool.export().then();
    for (let n = 0; n < 20; n++) expect(await pool.query('RETURN 1')).toEqual([1]);
    await running;
  });

  test('is refused while a transaction is open, and after the shutdown', async () => {
    const pool = await database();
    await pool.withConnection(async (held) => {
      const transaction = await held.beginTransaction();
      await expect(held.export().then()).rejects.toThrow(/shows what is committed/);
      await expect(held.import('CREATE a:1')).rejects.toThrow(UsageError);
      await transaction.rollback();
    });
    await pool.shutdown();
    await expect(pool.export().then()).rejects.toMatchObject({ code: 'ERR_POOL_SHUTDOWN' });
    await expect(pool.import('CREATE a:1')).rejects.toMatchObject({ code: 'ERR_POOL_SHUTDOWN' });
    await expect(pool.version()).rejects.toMatchObject({ code: 'ERR_POOL_SHUTDOWN' });
  });
});

/** Begins an export and keeps nothing of it. */
async function dropped(pool: ConnectionManager): Promise<WeakRef<object>> {
  return new WeakRef((await pool.export().raw()).body as object);
}

/** What the other side makes of the request for an export. */
type Answer = (response: ServerResponse, request: IncomingMessage, attempt: number) => unknown;

describe('an export over HTTP', () => {
  async function scene(answer: Answer, options: Partial<PoolOptions> = {}) {
    const front = await own.listen();
    const scene = {
      attempts: 0,
      closed: 0,
      pool: await own.connect(front, { retryPolicy: { initialBackoff: 0 }, ...options }),
    };
    front.onHttp = (request, response) => {
      expect(request.method).toBe('POST');
      expect(request.url).toBe('/export');
      response.once('close', () => scene.closed++);
      answer(response, request, ++scene.attempts);
    };
    return scene;
  }
  const begin = (response: ServerResponse): void => void response.writeHead(200).write('-- the beginning');

  test.each<[string, Answer, number, object]>([
    ['refused', (response) => response.writeHead(403).end('{"information":"IAM error"}'), 1, { outcome: 'refused' }],
    ['not known', (response) => response.writeHead(404).end(), 1, { outcome: 'refused' }],
    ['failed', (response) => response.writeHead(500).end('oh'), 3, { outcome: 'unknown', retryable: true }],
    ['dropped', (response) => response.destroy(), 3, { outcome: 'unknown', retryable: true }],
    ['sent elsewhere', (response) => response.writeHead(302, { Location: '/other' }).end(), 3, { outcome: 'unknown' }],
    ['empty', (response) => response.writeHead(200).end(), 1, { outcome: 'refused' }],
    [
      'cut off',
      (response) => {
        begin(response);
        setTimeout(() => response.destroy(), 10);
      },
      1,
      { outcome: 'unknown', message: expect.stringContaining('was cut off') },
    ],
  ])('that is %s is an ExportError', async (_what, answer, attempts, expected) => {
    const made = await scene(answer);
    const error: unknown = await made.pool.export().then(undefined, (failure: unknown) => failure);
    expect(error).toBeInstanceOf(ExportError);
    expect(error).toMatchObject(expected);
    expect(made.attempts).toBe(attempts);
    expect(made.pool.poolStats()).toMatchObject({ leased: 0, waiting: 0 });
  });

  test('is asked for again until it has begun', async () => {
    const made = await scene((response, _request, attempt) => {
      if (attempt < 3) response.writeHead(503).end();
      else response.writeHead(200).end('-- all of it');
    });
    expect(await made.pool.export()).toBe('-- all of it');
    expect(made.attempts).toBe(3);
  });

  test.each<[string, (response: ServerResponse) => void]>([
    ['before its first piece', () => {}],
    ['in the midst of it', begin],
  ])('that falls silent %s fails after queryTimeout, and its request ends', async (_when, answer) => {
    const made = await scene(answer, { queryTimeout: 40 });
    await expect(made.pool.export().then()).rejects.toThrow(QueryTimeoutError);
    await expect.poll(() => made.closed).toBe(1);
    expect(made.attempts).toBe(1);
  });

  test('may take longer than queryTimeout in all, and a reader any time', async () => {
    const made = await scene(
      async (response) => {
        response.writeHead(200);
        for (let n = 0; n < 8; n++) {
          response.write(`-- ${n}\n`);
          await wait(30);
        }
        response.end();
      },
      { queryTimeout: 200 },
    );
    const reader = (await made.pool.export().raw()).body?.getReader();
    let pieces = 0;
    for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read()) {
      if (pieces++ === 0) await wait(300);
    }
    expect(pieces).toBeGreaterThan(0);
  });

  test('ends with its signal, with its lease, with a reader that leaves, and with the pool', async () => {
    const made = await scene(begin);
    const { pool } = made;
    const abort = new AbortController();
    const aborted = pool.scope({ signal: abort.signal }).export().then();
    await expect.poll(() => made.attempts).toBe(1);
    abort.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow(CallAbortedError);
    await expect.poll(() => made.closed).toBe(1);

    const connection = await pool.acquire();
    const leased = connection.export().then();
    await expect.poll(() => made.attempts).toBe(2);
    connection.release();
    await expect(leased).rejects.toThrow(LeaseReleasedError);
    await expect.poll(() => made.closed).toBe(2);

    await (await pool.export().raw()).body?.cancel();
    await expect.poll(() => made.closed).toBe(3);

    await collected(await dropped(pool));
    await expect.poll(() => made.closed).toBe(4);

    const last = pool.export().then();
    await expect.poll(() => made.attempts).toBe(5);
    const ended = pool.shutdown({ gracePeriod: 20 });
    await expect(last).rejects.toThrow(ConnectionLostError);
    await ended;
    await expect.poll(() => made.closed).toBe(5);
  });

  test('is waited for by a shutdown', async () => {
    let response: ServerResponse | undefined;
    const { pool } = await scene((given) => {
      response = given;
      begin(given);
    });
    const text = pool.export().then();
    await expect.poll(() => response).toBeDefined();
    const ended = pool.shutdown({ gracePeriod: '10s' });
    await wait(20);
    response?.end(' and the end');
    expect(await text).toBe('-- the beginning and the end');
    await ended;
  });

  test('shows the token to the server of the pool, and the place', async () => {
    const headers: IncomingMessage['headers'][] = [];
    const made = await scene((response, request) => {
      headers.push(request.headers);
      response.writeHead(200).end('-- all');
    });
    const credentials = server ?? { username: 'root', password: 'secret' };
    const root = { username: credentials.username, password: credentials.password };
    await made.pool.scope({ namespace: 'test', database: 'other', credentials: root }).export();
    expect(headers[0]).toMatchObject({
      ...{ authorization: expect.stringMatching(/^Bearer ey/), 'surreal-ns': 'test', 'surreal-db': 'other' },
    });
    if (server !== undefined) return;
    for (const name of ['ünïcode', ' space']) {
      const scope = made.pool.scope({ namespace: 'test', database: name });
      await expect(scope.export().then(), 'HTTP would ask for another one').rejects.toThrow(/HTTP takes no names/);
    }
  });
});

describe('an import', () => {
  const many = (n: number): string => `INSERT [ { id: thing:${n}, text: '${'x;'.repeat(2_000)}' } ];\n`;

  test('of a large text goes in several messages, each an import', async () => {
    const front = await own.listen();
    const pool = await own.connect(front);
    await pool.query(
      'DEFINE EVENT OVERWRITE made ON thing WHEN $event = "CREATE" THEN { CREATE made; }; DEFINE TABLE IF NOT EXISTS made',
    );
    const before = asked(front, 'query');
    const all = Array.from({ length: 1_000 }, (_, n) => many(n));
    await pool.import(Readable.from(['OPTION IMPORT;\n', ...all]));
    expect(asked(front, 'query') - before).toBeGreaterThan(4);
    expect(asked(front, 'query') - before).toBeLessThan(12);
    expect(await pool.query('RETURN count(SELECT * FROM thing); RETURN count(SELECT * FROM made)')).toEqual([1_000, 0]);
    await pool.query('REMOVE EVENT made ON thing; DELETE thing');
    await pool.import(all.join(''));
    expect(await pool.query('RETURN count(SELECT * FROM thing)')).toEqual([1_000]);
  });

  test('says which statement failed, what was executed, and sends nothing behind its message', async () => {
    const front = await own.listen();
    const pool = await own.connect(front);
    const text = 'CREATE thing:1; CREATE thing:1; CREATE thing:2; THROW "no";';
    const error: unknown = await pool.import(text).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ImportError);
    expect(error).toMatchObject({
      ...{ outcome: 'refused', retryable: false, applied: 2 },
      failures: [
        { statement: 2, text: 'CREATE thing' },
        { statement: 4, text: 'THROW' },
      ],
    });
    expect(String(error)).toMatch(
      /statement 2 of the import \(CREATE thing …\) failed: .*already exists.* \(and 1 more/,
    );
    await pool.query('DELETE thing');
    const pieces = [many(1), 'THROW "no";', ...Array.from({ length: 400 }, (_, n) => many(n + 2))];
    const before = asked(front, 'query');
    await expect(pool.import(Readable.from(pieces))).rejects.toMatchObject({ failures: [{ statement: 2 }] });
    expect(asked(front, 'query') - before, 'one message of several').toBe(1);
    await expect(pool.import("DEFINE USER eve ON ROOT PASSHASH 'secret-hash' ROLES !;")).rejects.toSatisfy(
      (failure: unknown) =>
        failure instanceof ImportError &&
        failure.applied === 0 &&
        !String(failure.failures[0]?.text).includes('secret'),
    );
  });

  test('is never sent twice: when its connection ends under way, it says so', async () => {
    const front = await own.listen();
    const pool = await own.connect(front);
    await pool.version();
    let queries = 0;
    front.onRequest = (request) => {
      if (request.method !== 'query' || !String(request.params[0]).includes('CREATE')) return 'pass';
      queries++;
      return 'kill';
    };
    const error: unknown = await pool.import('CREATE thing:1').catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ImportError);
    expect(error).toMatchObject({ outcome: 'unknown', applied: 0, cause: expect.any(ConnectionLostError) });
    expect(queries).toBe(1);
  });

  test('ends with its signal, and each message is within queryTimeout', async () => {
    const front = await own.listen();
    const pool = await own.connect(front);
    await expect(pool.scope({ queryTimeout: 40 }).import('SLEEP 10s')).rejects.toMatchObject({
      cause: expect.any(QueryTimeoutError),
    });
    const abort = new AbortController();
    front.onRequest = ({ method, params }) => {
      if (method === 'query' && String(params[0]).includes('SLEEP')) setTimeout(() => abort.abort(), 5);
      return 'pass';
    };
    const aborted = pool.scope({ signal: abort.signal }).import('SLEEP 10s');
    await expect(aborted).rejects.toMatchObject({ cause: expect.any(CallAbortedError) });
  });

  test.each<[string, unknown, RegExp]>([
    ['no text', 7, /import\(\) takes a text/],
    ['nothing', undefined, /import\(\) takes a text/],
    ['what is no UTF-8', Readable.from([Buffer.of(0xff)]), /UTF-8/],
    ['another database', 'USE DB other; CREATE a:1', /USE cannot be used in an import/],
  ])('refuses %s', async (_what, input, message) => {
    const pool = await own.pool('mem://');
    await expect(pool.import(input as string)).rejects.toThrow(UsageError);
    await expect(
      pool.import(input instanceof Readable ? Readable.from([Buffer.of(0xff)]) : (input as string)),
    ).rejects.toThrow(message);
    expect(pool.poolStats()).toMatchObject({ leased: 0 });
  });

  test('of nothing but comments does nothing', async () => {
    const pool = await own.pool('mem://');
    await pool.import('-- nothing\n/* at; all */');
    await pool.import('');
    expect(
      await pool
        .scope()
        .select(new Table('thing'))
        .catch(() => []),
    ).toEqual([]);
  });

  test('works in a scope, and by runInScope', async () => {
    const pool = await database({ requireScope: true });
    const scope = pool.scope({ namespace, database: `scoped${last}` });
    await scope.import('CREATE a:1');
    await pool.runInScope({ namespace, database: `scoped${last}` }, async () => {
      expect(await pool.export()).toContain('a:1');
      await pool.import('CREATE a:2');
    });
    expect(await scope.export()).toContain('a:2');
    await expect(pool.export().then()).rejects.toThrow(/requireScope/);
    await expect(pool.import('CREATE a:3')).rejects.toThrow(/requireScope/);
    await expect(pool.version()).rejects.toThrow(/requireScope/);
  });
});
