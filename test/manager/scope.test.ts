import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { RecordId, surql, Table } from 'surrealdb';
import { describe, expect, test, vi } from 'vitest';
import { CallAbortedError, ConfigurationError, PoolScope, type ScopeOptions, UsageError } from '../../src/index.js';
import { asked, surroundings } from '../support/surroundings.js';

const own = surroundings();
const thing = new Table('thing');
const elsewhere = { namespace: 'test', database: 'elsewhere' };
const who = 'RETURN [$who, $extra, session::db()]';

/** What a call can tell of the scope it was made in. */
async function told(scope: Pick<PoolScope, 'query'>): Promise<unknown> {
  return (await scope.query(who))[0];
}

describe('a scope', () => {
  test('has every method of a pool, all as its identity', async () => {
    const pool = await own.pool('mem://', { maxConnections: 3 });
    const scope = pool.scope({ ...elsewhere, variables: { who: 'ada' } });
    const expected = ['ada', undefined, 'elsewhere'];
    expect(scope).toBeInstanceOf(PoolScope);
    expect(await told(scope)).toEqual(expected);
    expect(await scope.withConnection(told)).toEqual(expected);
    expect(await scope.withTransaction(told)).toEqual(expected);
    expect(await scope.executeWithRetry(told)).toEqual(expected);
    await using connection = await scope.acquire();
    expect(await told(connection)).toEqual(expected);
    for (const each of [pool, scope]) await each.query('DEFINE TABLE thing');
    const id = new RecordId('thing', 1);
    await scope.create(id).content({ n: 1 });
    expect(await scope.select(thing)).toEqual([{ id, n: 1 }]);
    expect(await scope.run('math::max', [[1, 2]])).toBe(2);
    expect(await pool.select(thing), "it is not in the pool's own database").toEqual([]);
  });

  test('within another is both: what is given last, and the variables of both by their names', async () => {
    const pool = await own.pool('mem://');
    const outer = pool.scope({ ...elsewhere, variables: { who: 'ada', extra: 1 } });
    expect(await told(outer.scope({ variables: { extra: 2 } }))).toEqual(['ada', 2, 'elsewhere']);
    expect(await told(outer.scope({ namespace: 'test', database: 'third' }))).toEqual(['ada', 1, 'third']);
    expect(await outer.withConnection(told, { variables: { extra: 3 } })).toEqual(['ada', 3, 'elsewhere']);
    expect(await outer.withTransaction(told, { variables: { extra: 4 } })).toEqual(['ada', 4, 'elsewhere']);
    expect(await told(outer), 'and the outer one stays as it is').toEqual(['ada', 1, 'elsewhere']);
    expect(await told(outer.scope())).toEqual(['ada', 1, 'elsewhere']);
  });

  test('keeps the limits of both: each signal aborts', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 2 });
    for (const which of [0, 1]) {
      const aborts = [new AbortController(), new AbortController()] as const;
      const inner = pool.scope({ signal: aborts[0].signal }).scope({ signal: aborts[1].signal });
      const call = inner.query('SLEEP 10s').collect();
      setImmediate().then(() => aborts[which]?.abort(new Error('gone')));
      const error: unknown = await call.catch((failure: unknown) => failure);
      expect(String(error)).toMatch(/abort/);
    }
    const soon = pool.scope({ queryTimeout: 30 });
    await expect(soon.withConnection((held) => held.query('SLEEP 10s'))).rejects.toThrow('queryTimeout (30 ms)');
    expect(await soon.withConnection((held) => held.query('SLEEP 100ms; RETURN 1'), { queryTimeout: 0 })).toEqual([
      undefined,
      1,
    ]);
  });

  test('does not fill up half a place with half of its own', async () => {
    const pool = await own.pool('mem://');
    const scope = pool.scope(elsewhere);
    const half = { database: 'third' } as ScopeOptions;
    expect(() => scope.scope(half)).toThrow(ConfigurationError);
    await expect(scope.acquire(half)).rejects.toThrow(ConfigurationError);
    await expect(scope.withTransaction(told, half)).rejects.toThrow(ConfigurationError);
    expect(() => scope.runInScope(half, () => 1)).toThrow(ConfigurationError);
    expect(() => scope.scope({ variables: { who: undefined } })).toThrow(/variables: given nothing for "who"/);
  });

  test('resolves its identity once: its connection is lent again without being changed', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 1, warmConnections: false, failFast: false });
    const scope = pool.scope({ variables: { who: 'ada' } });
    for (let n = 0; n < 5; n++) await told(scope);
    for (let n = 0; n < 5; n++) await scope.withConnection(told);
    expect(pool.poolStats()).toMatchObject({ opened: 1, changes: 0 });
  });

  test('other credentials come with a key of their own or none', async () => {
    const pool = await own.pool('mem://');
    await pool.query('DEFINE USER root ON ROOT PASSWORD "secret" ROLES OWNER');
    const credentials = { username: 'root', password: 'secret' };
    const outer = pool.scope({ credentials: () => credentials, credentialsKey: 'a' });
    expect(await outer.scope({ credentials }).query('RETURN $token.ID')).toEqual(['root']);
    expect(await outer.scope({ credentials: null }).query('RETURN $token')).toEqual([undefined]);
  });
});

describe('runInScope()', () => {
  test('makes each call of the pool in its work in that scope, and those behind it not', async () => {
    const pool = await own.pool('mem://', { maxConnections: 3 });
    const expected = ['ada', undefined, 'elsewhere'];
    const before = pool.query(who);
    await pool.query('DEFINE TABLE thing');
    const returned = await pool.runInScope({ ...elsewhere, variables: { who: 'ada' } }, async () => {
      expect(await told(pool)).toEqual(expected);
      expect(await pool.withConnection(told)).toEqual(expected);
      expect(await pool.withTransaction(told)).toEqual(expected);
      expect(await pool.executeWithRetry(told)).toEqual(expected);
      await using connection = await pool.acquire();
      expect(await told(connection)).toEqual(expected);
      await pool.create(new RecordId('thing', 7)).content({});
      expect(await pool.select(thing)).toHaveLength(1);
      expect(await before, 'one that was made outside is sent outside').toEqual([[undefined, undefined, 'test']]);
      return 'returned';
    });
    expect(returned).toBe('returned');
    expect(await told(pool)).toEqual([undefined, undefined, 'test']);
    expect(await pool.select(thing)).toEqual([]);
  });

  test('a query belongs to where it is written, wherever it is awaited', async () => {
    const pool = await own.pool('mem://');
    const query = pool.runInScope({ variables: { who: 'ada' } }, () => ({ later: pool.query(who) })).later;
    expect(await query).toEqual([['ada', undefined, 'test']]);
    const plain = pool.query(who);
    expect(await pool.runInScope({ variables: { who: 'ada' } }, () => plain)).toEqual([[undefined, undefined, 'test']]);
  });

  test('options of one call replace those of the scope, and a scope object is what it was made as', async () => {
    const pool = await own.pool('mem://');
    const [admin, plain] = [pool.scope({ variables: { who: 'admin' } }), pool.scope()];
    await pool.runInScope({ variables: { who: 'ada' } }, async () => {
      expect(await pool.withConnection(told, { variables: { who: 'bob' } })).toEqual(['bob', undefined, 'test']);
      expect(await told(pool.scope({ variables: { extra: 1 } }))).toEqual(['ada', 1, 'test']);
      expect(await told(admin)).toEqual(['admin', undefined, 'test']);
      expect(await told(plain)).toEqual([undefined, undefined, 'test']);
      expect(await admin.runInScope({ variables: { extra: 2 } }, () => told(pool))).toEqual(['admin', 2, 'test']);
      expect(await plain.runInScope({}, () => told(pool))).toEqual([undefined, undefined, 'test']);
    });
  });

  test('follows timers, streams, events, AsyncResource and callbacks that are kept, and only those of its work', async () => {
    const pool = await own.pool('mem://');
    const seen: Record<string, unknown> = {};
    const ofAda = ['ada', undefined, 'test'];
    const names = ['bound', 'kept', 'microtask', 'plain', 'stream one', 'stream two', 'timer'];
    const outside = new EventEmitter();
    const as = (name: string) => ({ variables: { who: name } });
    const kept = await pool.runInScope(as('ada'), async () => {
      await new Promise<void>((resolve) => setTimeout(resolve, 1));
      seen.timer = await told(pool);
      for await (const chunk of Readable.from(['one', 'two'])) seen[`stream ${chunk}`] = await told(pool);
      outside.on(
        'bound',
        AsyncResource.bind(async () => {
          seen.bound = await told(pool);
        }),
      );
      outside.on('plain', async () => {
        seen.plain = await told(pool);
      });
      queueMicrotask(async () => {
        seen.microtask = await told(pool);
      });
      return AsyncResource.bind(() => told(pool));
    });
    await pool.runInScope(as('bob'), async () => {
      seen.kept = await kept();
      outside.emit('bound');
      outside.emit('plain');
    });
    await vi.waitFor(() => expect(Object.keys(seen).sort()).toEqual(names), 10_000);
    expect(seen).toEqual({
      ...{ timer: ofAda, 'stream one': ofAda, 'stream two': ofAda, microtask: ofAda, bound: ofAda, kept: ofAda },
      // An emitter calls its listeners in the context of whoever emits, as everywhere in Node.
      plain: ['bob', undefined, 'test'],
    });
  });

  test('the scope of one pool is none of another', async () => {
    const [one, other] = [await own.pool('mem://'), await own.pool('mem://')];
    await one.runInScope({ variables: { who: 'ada' } }, async () => {
      expect(await told(other)).toEqual([undefined, undefined, 'test']);
      await other.runInScope({ variables: { who: 'bob' } }, async () => {
        expect(await told(one)).toEqual(['ada', undefined, 'test']);
        expect(await told(other)).toEqual(['bob', undefined, 'test']);
      });
    });
  });

  test('what its work throws is thrown, at once or later', async () => {
    const pool = await own.pool('mem://');
    const fail = (): never => {
      throw new Error('mine');
    };
    expect(() => pool.runInScope({}, fail)).toThrow('mine');
    await expect(pool.runInScope({}, async () => fail())).rejects.toThrow('mine');
    const abort = new AbortController();
    await pool.runInScope({ signal: abort.signal }, async () => {
      const call = pool.query('SLEEP 10s').collect();
      setImmediate().then(() => abort.abort());
      await expect(call).rejects.toThrow(CallAbortedError);
    });
  });

  test('a pool without scopes keeps the methods of the SDK', async () => {
    const pool = await own.pool('mem://');
    expect(Object.hasOwn(pool, 'query')).toBe(false);
    pool.runInScope({}, () => {});
    expect(Object.hasOwn(pool, 'query')).toBe(true);
  });
});

describe('requireScope', () => {
  test('refuses what is asked outside of any scope, before anything is sent', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { requireScope: true });
    const sent = asked(front, 'query');
    const refused = [
      () => pool.query('RETURN 1').collect(),
      () => pool.select(thing).then(),
      () => pool.acquire(),
      () => pool.acquire({ timeout: 10 }),
      () => pool.withConnection(told),
      () => pool.withTransaction(told),
      () => pool.executeWithRetry(told),
    ];
    for (const call of refused) await expect(call()).rejects.toThrow(UsageError);
    await expect(pool.query('RETURN 1').collect()).rejects.toThrow(/runInScope\(\).*pool\.scope\(\) without options/);
    expect(asked(front, 'query')).toBe(sent);
    expect(await pool.runInScope({ variables: { who: 'ada' } }, () => told(pool))).toEqual(['ada', undefined, 'test']);
    expect(await told(pool.scope())).toEqual([undefined, undefined, 'test']);
    expect(await pool.withConnection(told, { variables: { who: 'bob' } })).toEqual(['bob', undefined, 'test']);
    expect(await pool.runInScope({}, () => pool.withTransaction((held) => held.query('RETURN 1')))).toEqual([1]);
    expect(pool.healthStatus().healthy).toBe(true);
  });

  test('does not stand in the way of onFirstUse', async () => {
    const pool = await own.pool('mem://', {
      requireScope: true,
      onFirstUse: async (_name, connection) => {
        await connection.query(surql`CREATE prepared:1`);
      },
    });
    expect(await pool.scope(elsewhere).query('SELECT VALUE id FROM prepared')).toEqual([[new RecordId('prepared', 1)]]);
  });
});
