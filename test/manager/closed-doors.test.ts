import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ConfigurationError,
  ConnectionManager,
  createPool,
  type PoolEvents,
  type PooledConnection,
  shutdownOnSignals,
  UsageError,
} from '../../src/index.js';
import { eventNames } from '../../src/pool/events.js';
import type { Front } from '../support/front.js';
import { misspelt } from '../support/misspelt.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

const acquireNames = [
  'namespace',
  'database',
  'credentials',
  'credentialsKey',
  'variables',
  'signal',
  'timeout',
  'queryTimeout',
];
const transactionNames = [
  'timeout',
  'signal',
  'verifyCommit',
  'allowWithoutUser',
  'savepoints',
  'onStatementError',
  'retry',
];
const nothing = (): undefined => undefined;

/** How many requests came, without the signs of life. */
function sentTo({ requests }: Front): number {
  return [...requests].reduce((sum, [method, count]) => (method === 'ping' ? sum : sum + count), 0);
}

/** A method of the pool with options; `given` stands for anything, as it does where no types are. */
interface Door {
  readonly names: readonly string[];
  readonly ask: (pool: ConnectionManager, given: never) => unknown;
}

const doors: Readonly<Record<string, Door>> = {
  'acquire()': { names: acquireNames, ask: async (pool, given) => (await pool.acquire(given)).release() },
  'withConnection()': { names: acquireNames, ask: (pool, given) => pool.withConnection(nothing, given) },
  'executeWithRetry()': {
    names: [...acquireNames, 'idempotent'],
    ask: (pool, given) => pool.executeWithRetry(nothing, given),
  },
  'scope()': { names: [...acquireNames, 'idempotent'], ask: (pool, given) => pool.scope(given).query('RETURN 1') },
  'withTransaction()': {
    names: [...new Set([...acquireNames, ...transactionNames])],
    ask: (pool, given) => pool.withTransaction(nothing, given),
  },
  'the retry of withTransaction()': {
    names: ['maxAttempts', 'initialBackoff', 'maxBackoff', 'multiplier'],
    ask: (pool, given) => pool.withTransaction(nothing, { retry: given }),
  },
  'the credentials of scope()': {
    names: ['username', 'password', 'namespace', 'database'],
    ask: (pool, given) =>
      pool.scope({ credentials: Object.assign({ username: 'u', password: 'p' }, given) }).query('RETURN 1'),
  },
  'resize()': { names: ['minConnections', 'maxConnections'], ask: async (pool, given) => pool.resize(given) },
  'shutdown()': { names: ['gracePeriod'], ask: (pool, given) => pool.shutdown(given) },
};

const ofLease: Readonly<
  Record<string, { names: readonly string[]; ask: (lease: PooledConnection, given: never) => unknown }>
> = {
  'beginTransaction()': { names: transactionNames.slice(0, -1), ask: (lease, given) => lease.beginTransaction(given) },
  'withTransaction()': { names: transactionNames, ask: (lease, given) => lease.withTransaction(nothing, given) },
  'use()': {
    names: ['namespace', 'database'],
    ask: (lease, given) => lease.use(Object.assign({ namespace: 'test', database: 'test' }, given)),
  },
  'signin()': {
    names: ['namespace', 'database', 'username', 'password', 'access', 'key', 'variables'],
    ask: (lease, given) => lease.signin(Object.assign({ username: 'root', password: 'secret' }, given)),
  },
  'signup()': {
    names: ['namespace', 'database', 'access', 'variables'],
    ask: (lease, given) => lease.signup(Object.assign({ access: 'a', variables: {} }, given)),
  },
  'authenticate()': {
    names: ['access', 'refresh'],
    ask: (lease, given) => lease.authenticate(Object.assign({ access: 'a' }, given)),
  },
};

/** Also names of other methods, which are not misspelt and do nothing here. */
function wrongNames(names: readonly string[]): fc.Arbitrary<string> {
  const others = [
    ...acquireNames,
    ...transactionNames,
    'idempotent',
    'gracePeriod',
    'db',
    'ns',
    'vars',
    'token',
    'credential',
  ];
  return fc.oneof(misspelt(names), fc.constantFrom(...others.filter((name) => !names.includes(name))));
}

describe('a name that is no option', () => {
  test.each(Object.entries(doors))('is refused by %s, and nothing is asked for', async (_, { names, ask }) => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1, minConnections: 0 });
    const { reused, opened } = pool.poolStats();
    const before = sentTo(front);
    await fc.assert(
      fc.asyncProperty(wrongNames(names), async (name) => {
        const refused = await Promise.resolve()
          .then(() => ask(pool, { [name]: 'acme' } as never))
          .catch((error: unknown) => error);
        expect(refused).toBeInstanceOf(ConfigurationError);
        expect(String(refused)).toContain(name);
      }),
      { numRuns: 150 },
    );
    expect(pool.poolStats()).toMatchObject({ reused, opened, leased: 0 });
    expect(sentTo(front)).toBe(before);
    expect(pool.isShuttingDown()).toBe(false);
  });

  test.each(Object.entries(ofLease))('is refused by %s of a lease, and nothing is sent', async (_, { names, ask }) => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1, minConnections: 0 });
    await pool.withConnection(async (lease) => {
      const before = sentTo(front);
      await fc.assert(
        fc.asyncProperty(misspelt(names), async (name) => {
          const refused = await Promise.resolve()
            .then(() => ask(lease, { [name]: 'acme' } as never))
            .catch((error: unknown) => error);
          expect(refused).toBeInstanceOf(ConfigurationError);
        }),
        { numRuns: 60 },
      );
      expect(sentTo(front)).toBe(before);
      expect(lease.isMarkedForRecycling()).toBe(false);
    });
  });

  test('is told with the one that was meant', async () => {
    const pool = await own.connect(await own.listen());
    const told = (given: object): string => {
      try {
        pool.scope(given);
      } catch (error) {
        return String(error);
      }
      return '';
    };
    expect(told({ databse: 'acme' })).toContain(
      'databse: given an unknown option; allowed: database (did you mean that?)',
    );
    expect(told({ credential: { token: 'x' } })).toContain('credentials (did you mean that?)');
    expect(told({ varaibles: {} })).toContain('variables (did you mean that?)');
    expect(told({ db: 'a', ns: 'b' })).toMatch(
      /database \(did you mean that\?\)[\s\S]*namespace \(did you mean that\?\)/,
    );
    expect(told({ credentials: { usernme: 'a', password: 'b' } })).toContain(
      'credentials.username (did you mean that?)',
    );
  });

  test('is not among these, all of which are taken', async () => {
    const pool = await own.connect(await own.listen());
    const { signal } = new AbortController();
    const identity = { ...{ namespace: 'test', database: 'test' }, credentials: null, variables: { a: 1 } };
    const acquiring = { ...identity, signal, timeout: '5s', queryTimeout: 5_000 };
    const retry = { maxAttempts: 2, initialBackoff: 1, maxBackoff: '1s', multiplier: 2 };
    const transaction = { verifyCommit: false, allowWithoutUser: true, savepoints: true, retry } as const;
    await pool.withConnection(async (lease) => {
      await lease.withTransaction(nothing, { ...transaction, timeout: '5s', signal, onStatementError: 'abort' });
    }, acquiring);
    await pool.executeWithRetry(nothing, { ...acquiring, idempotent: true });
    expect(await pool.scope({ ...acquiring, idempotent: false }).query('RETURN $a')).toEqual([1]);
    const work = (t: { query(text: string): PromiseLike<unknown> }) => t.query('RETURN $a');
    expect(await pool.withTransaction(work, { ...acquiring, ...transaction })).toEqual([1]);
    pool.resize({ minConnections: 1, maxConnections: 3 });
    await pool.shutdown({ gracePeriod: '1s' });
  });
});

describe('an option whose value is none', () => {
  test.each([
    ['signal', new AbortController()],
    ['timeout', 'soon'],
    ['queryTimeout', -1],
    ['verifyCommit', 'false'],
    ['savepoints', 0],
    ['onStatementError', 'ignore'],
    ['retry', { maxAttempts: 0 }],
    ['retry', true],
  ])('is refused before a connection is taken: %s', async (name, value) => {
    const pool = await own.connect(await own.listen());
    const { reused } = pool.poolStats();
    const refused = await pool.withTransaction(nothing, { [name]: value }).catch((error: unknown) => error);
    expect(refused instanceof ConfigurationError || refused instanceof UsageError).toBe(true);
    expect(String(refused)).toContain(name);
    expect(pool.poolStats()).toMatchObject({ reused, leased: 0 });
  });
});

describe('an event', () => {
  test('that there is not is refused with the one that was meant', async () => {
    const pool = await own.connect(await own.listen());
    const subscribe = (name: string) => () => pool.subscribe(name as keyof PoolEvents, nothing);
    expect(subscribe('close')).toThrow('close: given an unknown event; allowed: closed (did you mean that?)');
    fc.assert(
      fc.property(fc.oneof(misspelt(eventNames), fc.string()), (name) => {
        if (!eventNames.includes(name)) expect(subscribe(name)).toThrow(ConfigurationError);
      }),
    );
    for (const name of eventNames) subscribe(name)()();
  });
});

describe('what is no function', () => {
  test('is refused where work is wanted, before a connection is taken', async () => {
    const pool = await own.connect(await own.listen());
    const { reused } = pool.poolStats();
    const none = { database: 'a' } as never;
    await expect(pool.withConnection(none)).rejects.toThrow('withConnection(work, options) takes a function');
    await expect(pool.executeWithRetry(none)).rejects.toThrow(UsageError);
    await expect(pool.withTransaction(none)).rejects.toThrow(UsageError);
    expect(() => pool.subscribe('closed', none)).toThrow(UsageError);
    expect(pool.poolStats()).toMatchObject({ reused, leased: 0 });
  });
});

describe('a pool that is made or used wrongly', () => {
  test('by new says how one is made', () => {
    const New = ConnectionManager as unknown as new (config?: unknown) => ConnectionManager;
    for (const config of [undefined, null, {}, { pool: {}, name: 'x' }]) {
      expect(() => new New(config)).toThrow('await createPool(url, options)');
    }
  });

  test('by its promise says that it was not awaited, and the promise is one', async () => {
    const promise = createPool('mem://', { namespace: 'a', database: 'b', minConnections: 0 });
    const pool = promise as unknown as ConnectionManager;
    expect(() => pool.query('RETURN 1')).toThrow('which has no query: write `const pool = await createPool(…)`');
    expect(() => pool.withTransaction(nothing)).toThrow(UsageError);
    expect(() => shutdownOnSignals(pool)).toThrow('was it awaited?');
    expect(Object.keys(promise)).toEqual([]);
    expect(await Promise.race([promise, Promise.resolve(promise)])).toBe(await promise);
    await (await promise).shutdown();
    const failed = ConnectionManager.create({} as never);
    expect(() => (failed as unknown as ConnectionManager).select).toThrow(UsageError);
    await expect(failed).rejects.toThrow(ConfigurationError);
  });
});
