import { describe, expect, test } from 'vitest';
import { defaultPoolConfig } from '../../src/config/default-pool-config.js';
import type { PoolConfig } from '../../src/config/pool-options.js';
import { resolveConfig, resolveCredentials, resolveOptions } from '../../src/config/resolve.js';
import { issueAt, laterRefusalOf, refusalOf } from './refusals.js';

const place = { namespace: 'shop', database: 'orders' };
const memory = { connectionMode: { type: 'in-memory' }, ...place };

function pool(options: unknown) {
  return resolveOptions('mem://', { ...place, ...(options as object) }).pool;
}

function poolIssue(options: object, path: string) {
  return issueAt(
    refusalOf(() => pool(options)),
    path,
  );
}

describe('the defaults', () => {
  test('fill in everything that is left out', () => {
    expect(pool({})).toEqual(defaultPoolConfig);
    expect(resolveConfig(memory)).toEqual({
      mode: 'in-memory',
      url: 'mem://',
      endpoints: { list: [{ url: 'mem://', weight: 1, zone: undefined, priority: 0 }] },
      loadBalancing: 'round-robin',
      ...place,
      name: `${place.namespace}/${place.database}`,
      credentials: null,
      logger: undefined,
      codecOptions: { useNativeDates: false },
      pool: defaultPoolConfig,
    });
  });

  test('fill in what is undefined', () => {
    expect(pool({ maxConnections: undefined, idleTimeout: undefined, retryPolicy: undefined })).toEqual(
      defaultPoolConfig,
    );
    expect(pool({ retryPolicy: { maxBackoff: undefined } })).toEqual(defaultPoolConfig);
    expect(resolveConfig({ ...memory, poolConfig: undefined, credentials: undefined }).pool).toEqual(defaultPoolConfig);
  });

  test('the minimum follows a smaller maximum that stands alone', () => {
    expect(pool({ maxConnections: 3 })).toMatchObject({ minConnections: 3, maxConnections: 3 });
    expect(pool({ maxConnections: 6 })).toMatchObject({ minConnections: 5, maxConnections: 6 });
  });

  test('the first backoff follows a smaller largest one that stands alone', () => {
    expect(pool({ retryPolicy: { maxBackoff: 20 } }).retryPolicy).toMatchObject({ initialBackoff: 20, maxBackoff: 20 });
  });
});

describe('the short and the long form', () => {
  const credentials = { username: 'root', password: 'secret' };
  const poolConfig: PoolConfig = {
    minConnections: 1,
    maxConnections: 7,
    connectionTimeout: null,
    idleTimeout: '1m30s',
    recycleAfterUses: null,
    maxWaiters: 12,
    failFast: false,
    retryPolicy: { maxAttempts: 9, multiplier: 2 },
  };

  test.each([
    ['ws://db:8000', { type: 'local', endpoint: 'ws://db:8000' }],
    ['wss://db.example.com/', { type: 'local', endpoint: 'wss://db.example.com/' }],
    ['rocksdb:///var/db', { type: 'embedded', path: 'rocksdb:///var/db' }],
    ['surrealkv://./db', { type: 'embedded', path: 'surrealkv://./db' }],
    ['mem://', { type: 'in-memory' }],
  ])('give the same for %s', (url, connectionMode) => {
    const short = resolveOptions(url, { ...place, ...poolConfig, credentials, logger: console });
    const long = resolveConfig({ connectionMode, ...place, poolConfig, credentials, logger: console });
    expect(short).toEqual(long);
    expect(short.logger).toBe(console);
    expect(short.pool).toEqual({
      ...defaultPoolConfig,
      minConnections: 1,
      maxConnections: 7,
      connectionTimeout: 0,
      idleTimeout: 90_000,
      recycleAfterUses: 0,
      maxWaiters: 12,
      failFast: false,
      retryPolicy: { maxAttempts: 9, initialBackoff: 50, maxBackoff: 5_000, multiplier: 2, repeatReads: true },
    });
  });

  test('refuse the same, each in its own words', () => {
    const short = refusalOf(() => resolveOptions('mem://', { ...place, maxConnections: 0 }));
    const long = refusalOf(() => resolveConfig({ ...memory, poolConfig: { maxConnections: 0 } }));
    expect(short.issues).toEqual([{ path: 'maxConnections', given: '0', allowed: 'a whole number, at least 1' }]);
    expect(long.issues).toEqual([
      { path: 'poolConfig.maxConnections', given: '0', allowed: 'a whole number, at least 1' },
    ]);
  });

  test('take an object that was made with a class or has no prototype', () => {
    class Options {
      namespace = 'shop';
      database = 'orders';
    }
    expect(resolveOptions('mem://', new Options()).namespace).toBe('shop');
    expect(resolveOptions('mem://', Object.assign(Object.create(null), place)).namespace).toBe('shop');
  });
});

describe('an address', () => {
  test.each([
    ['ws://db:8000', 'ws://db:8000/rpc'],
    ['ws://db:8000/', 'ws://db:8000/rpc'],
    ['WS://DB:8000', 'ws://db:8000/rpc'],
    ['ws://db:8000/rpc', 'ws://db:8000/rpc'],
    ['wss://gateway/surreal/rpc', 'wss://gateway/surreal/rpc'],
    ['ws://[::1]:8000', 'ws://[::1]:8000/rpc'],
    ['ws://db:8000?tenant=1', 'ws://db:8000/rpc?tenant=1'],
    ['ROCKSDB://Data', 'rocksdb://Data'],
    ['surrealkv://C:\\data', 'surrealkv://C:\\data'],
    ['rocksdb://mail@home/db', 'rocksdb://mail@home/db'],
  ])('%s is used as %s', (url, used) => {
    expect(resolveOptions(url, place).url).toBe(used);
  });

  test.each([
    ['http://db:8000', 'GHSA-4vgr-h27g-cf9p'],
    ['https://db', 'ws://'],
    ['surrealkv+versioned://db', 'cannot open it'],
    ['./data/db', 'rocksdb://<path>'],
    ['localhost:8000', 'ws://<host>:<port>'],
    ['tikv://pd:2379', 'ws://<host>:<port>'],
    ['file://db', 'surrealkv://<path>'],
    ['rocksdb://', 'rocksdb://<path>'],
    ['surrealkv://', 'surrealkv://<path>'],
    ['mem://shared', 'mem://'],
    ['ws://', 'ws://<host>'],
    ['ws://db:port', 'ws://<host>'],
    ['ws://db:8000#top', 'without "#"'],
    ['ws://user:password@db:8000', 'credentials: { username, password }'],
    ['ws://user@db:8000', 'credentials: { username, password }'],
    ['', 'mem://'],
    [undefined, 'mem://'],
    [8000, 'mem://'],
    [{ url: 'ws://one' }, '{ dns, port }, { srv } or { discover }'],
    [() => 'ws://one', 'mem://'],
  ])('%j is refused with the remedy', (url, remedy) => {
    const issue = issueAt(
      refusalOf(() => resolveOptions(url, place)),
      'url',
    );
    expect(issue.allowed).toContain(remedy);
  });

  test.each([
    [{ type: 'embedded', path: './db' }, 'connectionMode.path', 'rocksdb://<path>'],
    [{ type: 'embedded' }, 'connectionMode.path', 'surrealkv://<path>'],
    [{ type: 'embedded', path: 'ws://db' }, 'connectionMode.path', "{ type: 'local', endpoint }"],
    [{ type: 'embedded', path: 'mem://' }, 'connectionMode.path', "{ type: 'in-memory' }"],
    [{ type: 'local', endpoint: 'rocksdb://db' }, 'connectionMode.endpoint', "{ type: 'embedded', path }"],
    [{ type: 'local', endpoint: 'https://db' }, 'connectionMode.endpoint', 'GHSA-4vgr-h27g-cf9p'],
    [{ type: 'local', endpoint: 'ws://u:p@db' }, 'connectionMode.endpoint', 'credentials'],
    [{ type: 'local' }, 'connectionMode.endpoint', 'ws://<host>:<port>'],
    [{ type: 'in-memory', path: 'x' }, 'connectionMode.path', 'connectionMode.type'],
    [{ type: 'remote', endpoints: [] }, 'connectionMode.endpoints', 'at least one endpoint'],
    [{ type: 'remote' }, 'connectionMode.endpoints', "['ws://<host>:<port>']"],
    [{ type: 'remote', endpoints: 'ws://db' }, 'connectionMode.endpoints', "['ws://<host>:<port>']"],
    [{ type: 'cluster', endpoints: [] }, 'connectionMode', "{ type: 'local', endpoint: 'ws://…' }"],
    [{ endpoint: 'ws://db' }, 'connectionMode', "type: 'in-memory'"],
    ['ws://db', 'connectionMode', "type: 'in-memory'"],
    [undefined, 'connectionMode', "type: 'in-memory'"],
  ])('the connection mode %j is refused with the remedy', (connectionMode, path, remedy) => {
    const error = refusalOf(() => resolveConfig({ connectionMode, ...place }));
    expect(issueAt(error, path).allowed).toContain(remedy);
  });
});

describe('0 and null', () => {
  test.each(['connectionTimeout', 'idleTimeout', 'maxLifetime', 'recycleAfterUses'])('switch %s off', (option) => {
    expect(pool({ [option]: 0 })).toHaveProperty(option, 0);
    expect(pool({ [option]: null })).toHaveProperty(option, 0);
  });

  test('differ for maxWaiters: nobody may wait, or everybody', () => {
    expect(pool({ maxWaiters: 0 }).maxWaiters).toBe(0);
    expect(pool({ maxWaiters: null }).maxWaiters).toBe(Number.POSITIVE_INFINITY);
  });

  test.each(['minConnections', 'validationInterval', 'shutdownGracePeriod'])('are 0 only for %s', (option) => {
    expect(pool({ [option]: 0 })).toHaveProperty(option, 0);
    poolIssue({ [option]: null }, option);
  });

  test.each(['openTimeout', 'probeTimeout', 'resetTimeout', 'closeTimeout', 'maxConnections', 'maxConnecting'])(
    'are both refused for %s',
    (option) => {
      poolIssue({ [option]: 0 }, option);
      poolIssue({ [option]: null }, option);
    },
  );
});

describe('an option of the pool', () => {
  test.each([
    ['minConnections', -1],
    ['minConnections', 1.5],
    ['maxConnections', '20'],
    ['maxConnections', Number.NaN],
    ['maxConnections', 20n],
    ['maxConnecting', Number.POSITIVE_INFINITY],
    ['maxWaiters', -1],
    ['recycleAfterUses', 0.5],
    ['recycleAfterUses', Number.POSITIVE_INFINITY],
    ['sessionsPerTransport', 0],
    ['sessionsPerTransport', 256],
    ['validateOnCheckout', 'true'],
    ['warmConnections', 1],
    ['failFast', null],
    ['idleTimeout', '5 min'],
    ['maxLifetime', '30d'],
    ['connectionTimeout', Number.POSITIVE_INFINITY],
    ['shutdownGracePeriod', -1],
    ['retryPolicy', null],
    ['retryPolicy', []],
    ['retryPolicy', 3],
  ])('%s cannot be %s', (option, value) => {
    poolIssue({ [option]: value }, option);
  });

  test.each([
    ['maxAttempts', 0],
    ['initialBackoff', -1],
    ['maxBackoff', null],
    ['multiplier', 0.9],
    ['multiplier', Number.POSITIVE_INFINITY],
    ['multiplier', '2'],
  ])('retryPolicy.%s cannot be %s', (option, value) => {
    poolIssue({ retryPolicy: { [option]: value } }, `retryPolicy.${option}`);
  });

  test('shows what was given', () => {
    expect(poolIssue({ maxConnections: '20' }, 'maxConnections').given).toBe('"20"');
    expect(poolIssue({ maxConnections: -3 }, 'maxConnections').given).toBe('-3');
    expect(poolIssue({ idleTimeout: 'x'.repeat(1000) }, 'idleTimeout').given.length).toBeLessThan(50);
    expect(poolIssue({ idleTimeout: '' }, 'idleTimeout').given).toBe('an empty text');
    expect(poolIssue({ idleTimeout: new Map() }, 'idleTimeout').given).toBe('a Map');
  });

  test('minConnections cannot be above maxConnections', () => {
    const issue = { path: 'minConnections', given: '30', allowed: 'at most maxConnections, which is 20' };
    expect(refusalOf(() => pool({ minConnections: 30 })).issues).toEqual([issue]);
    poolIssue({ minConnections: 3, maxConnections: 2 }, 'minConnections');
  });

  test('initialBackoff cannot be above maxBackoff', () => {
    const issue = poolIssue({ retryPolicy: { initialBackoff: '10s' } }, 'retryPolicy.initialBackoff');
    expect(issue).toMatchObject({ given: '10000 ms', allowed: 'at most maxBackoff, which is 5000 ms' });
  });

  test('is not compared with one that was refused already', () => {
    const error = refusalOf(() => pool({ minConnections: 30, maxConnections: 'many' }));
    expect(error.issues.map(({ path }) => path)).toEqual(['maxConnections']);
  });
});

describe('credentials', () => {
  test.each([
    [{ username: 'root', password: 'p' }],
    [{ username: 'root', password: 'p', namespace: 'n' }],
    [{ username: 'root', password: 'p', namespace: 'n', database: 'd' }],
    [{ access: 'account', variables: { email: 'e', age: 3, nested: { deep: true } } }],
    [{ access: 'account', variables: {}, namespace: 'n', database: 'd' }],
    [{ token: 't' }],
    [null],
  ])('%j are taken as they are', (credentials) => {
    expect(resolveOptions('mem://', { ...place, credentials }).credentials).toEqual(credentials);
  });

  test('lose what is undefined, since the server would read it as a value', () => {
    const given = { username: 'root', password: 'p', namespace: undefined };
    const { credentials } = resolveOptions('mem://', { ...place, credentials: given });
    expect(Object.keys(credentials ?? {})).toEqual(['username', 'password']);
  });

  test('may be a function, which is not called yet', () => {
    const credentials = () => {
      throw new Error('called');
    };
    expect(resolveOptions('mem://', { ...place, credentials }).credentials).toBe(credentials);
  });

  test.each([
    [{}, 'credentials.username'],
    [{ username: 'root' }, 'credentials.password'],
    [{ username: '', password: 'p' }, 'credentials.username'],
    [{ username: 'root', password: 7 }, 'credentials.password'],
    [{ username: 'root', password: 'p', database: 'd' }, 'credentials.namespace'],
    [{ username: 'root', password: 'p', namespace: '' }, 'credentials.namespace'],
    [{ access: 'account' }, 'credentials.variables'],
    [{ variables: {} }, 'credentials.access'],
    [{ access: 'account', variables: [] }, 'credentials.variables'],
    [{ access: 'account', variables: {}, database: 'd' }, 'credentials.namespace'],
    [{ token: '' }, 'credentials.token'],
    [{ token: 't', namespace: 'n' }, 'credentials.namespace'],
    [{ token: 't', username: 'root' }, 'credentials'],
    [{ username: 'root', password: 'p', access: 'account' }, 'credentials'],
    [{ user: 'root', pass: 'p' }, 'credentials.user'],
    ['root:root', 'credentials'],
    [['root', 'root'], 'credentials'],
    [true, 'credentials'],
  ])('%j are refused at %s', (credentials, path) => {
    issueAt(
      refusalOf(() => resolveOptions('mem://', { ...place, credentials })),
      path,
    );
  });

  test('of a function are checked when it answers', async () => {
    expect(await resolveCredentials(null)).toBe(null);
    expect(await resolveCredentials({ token: 't' })).toEqual({ token: 't' });
    expect(await resolveCredentials(async () => ({ token: 't' }))).toEqual({ token: 't' });
    const error = await laterRefusalOf(() => resolveCredentials(() => ({ username: 'root', password: '' })));
    expect(error.issues).toEqual([
      { path: 'credentials().password', given: 'an empty text', allowed: 'a text that is not empty' },
    ]);
    issueAt(await laterRefusalOf(() => resolveCredentials(() => 'root' as never)), 'credentials()');
    const misspelled = await laterRefusalOf(() => resolveCredentials(() => ({ tokn: 't' }) as never));
    expect(issueAt(misspelled, 'credentials().tokn').allowed).toContain('credentials().token (did');
  });

  test('of a function that fails let its own error through', async () => {
    const reason = new Error('the vault is sealed');
    await expect(resolveCredentials(() => Promise.reject(reason))).rejects.toBe(reason);
  });
});

describe('the rest of a configuration', () => {
  test.each(['namespace', 'database'])('%s is required, and is a text that is not empty', (name) => {
    for (const value of [undefined, '', null, 7, {}]) {
      const error = refusalOf(() => resolveOptions('mem://', { ...place, [name]: value }));
      expect(issueAt(error, name).allowed).toBe('a text that is not empty');
    }
  });

  test('the logger needs its four methods', () => {
    const { debug, info, warn, error } = console;
    expect(resolveOptions('mem://', { ...place, logger: { debug, info, warn, error } }).logger).toBeDefined();
    for (const logger of [null, 'console', {}, { debug, info, warn }, { debug, info, warn, error: 'x' }, () => {}]) {
      const refusal = refusalOf(() => resolveOptions('mem://', { ...place, logger }));
      expect(issueAt(refusal, 'logger').allowed).toContain('debug, info, warn and error');
    }
  });

  test('it has to be an object', () => {
    for (const config of [undefined, null, 'ws://db', 3, [], new Map(), new Date(), Promise.resolve(memory)]) {
      expect(refusalOf(() => resolveConfig(config)).issues).toMatchObject([{ path: 'config', allowed: 'an object' }]);
      expect(refusalOf(() => resolveOptions('mem://', config)).issues).toMatchObject([{ path: 'options' }]);
    }
  });

  test('all problems are told at once, one per line', () => {
    const error = refusalOf(() =>
      resolveOptions('http://db', { database: 3, minConnections: -1, retryPolicy: { multiplier: 0 }, max_waiters: 1 }),
    );
    const paths = ['url', 'namespace', 'database', 'minConnections', 'retryPolicy.multiplier', 'max_waiters'];
    expect(error.issues.map(({ path }) => path).sort()).toEqual(paths.sort());
    expect(error.message.split('\n')).toHaveLength(1 + paths.length);
    for (const { path, given, allowed } of error.issues) {
      expect(error.message).toContain(`\n  ${path}: given ${given}; allowed: ${allowed}`);
    }
  });
});

describe('an unknown option', () => {
  const inPool = 'poolConfig.maxConnections (did you mean that?)';

  test.each([
    [{ poolConfig: { maxConection: 1 } }, 'poolConfig.maxConection', inPool],
    [{ poolConfig: { max_connections: 1 } }, 'poolConfig.max_connections', inPool],
    [{ poolConfig: { maxconnections: 1 } }, 'poolConfig.maxconnections', inPool],
    [{ poolConfig: { max: 1 } }, 'poolConfig.max', inPool],
    [{ maxConnections: 1 }, 'maxConnections', inPool],
    [{ poolConfig: { idleTimeoutMillis: 1 } }, 'poolConfig.idleTimeoutMillis', 'poolConfig.idleTimeout (did'],
    [{ poolConfig: { maxAttempts: 1 } }, 'poolConfig.maxAttempts', 'poolConfig.retryPolicy.maxAttempts (did'],
    [{ poolConfig: { retryPolicy: { tries: 1 } } }, 'poolConfig.retryPolicy.tries', 'poolConfig.retryPolicy.maxAtt'],
    [{ credentials: { username: 'u', pasword: 'p' } }, 'credentials.pasword', 'credentials.password (did'],
    [{ password: 'p' }, 'password', 'credentials.password (did'],
    [{ pool_config: {} }, 'pool_config', 'poolConfig (did'],
    [{ poolConfig: { namespace: 'n' } }, 'poolConfig.namespace', 'namespace (did'],
    [{ url: 'ws://db' }, 'url', 'connectionMode'],
    [{ something: 1 }, 'something', 'connectionMode, credentials, namespace, database, poolConfig, logger'],
  ])('in %j is refused with a suggestion', (config, path, suggestion) => {
    const error = refusalOf(() => resolveConfig({ ...memory, ...config }));
    expect(issueAt(error, path)).toMatchObject({ given: 'an unknown option' });
    expect(issueAt(error, path).allowed).toContain(suggestion);
  });

  test.each([
    ['poolConfig', 'right here'],
    ['connectionMode', 'the first argument'],
    ['url', 'the first argument'],
    ['maxConection', 'maxConnections (did you mean that?)'],
    ['maxAttempts', 'retryPolicy.maxAttempts (did'],
    ['something', 'minConnections, maxConnections'],
    ['toString', 'minConnections, maxConnections'],
    ['hasOwnProperty', 'minConnections, maxConnections'],
  ])('of the short form, %s, is refused with a suggestion', (option, suggestion) => {
    expect(poolIssue({ [option]: {} }, option).allowed).toContain(suggestion);
  });

  test('stays on its line, however it is named', () => {
    const error = refusalOf(() => pool({ [`a\nb${'c'.repeat(500)}`]: 1 }));
    expect(error.message.split('\n')).toHaveLength(2);
    expect(error.issues[0]?.path.length).toBeLessThan(120);
  });

  test.each(['__proto__', 'constructor', 'prototype'])('may not even be %s', (key) => {
    const hostile = JSON.parse(`{ "${key}": { "maxConnections": 1 } }`);
    expect(refusalOf(() => resolveConfig({ ...memory, poolConfig: hostile })).message).toContain(key);
    expect(refusalOf(() => pool(hostile)).message).toContain(key);
    expect(refusalOf(() => resolveConfig({ ...memory, ...hostile })).message).toContain(key);
  });
});
