import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { resolveConfig, resolveOptions } from '../../src/config/resolve.js';
import { configFromEnvironment, configFromFile, environmentVariables } from '../../src/config/sources.js';
import { issueAt, laterRefusalOf, refusalOf } from './refusals.js';

describe('a file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'surreal-pool-config-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  async function file(content: string): Promise<string> {
    const path = join(folder, 'pool.json');
    await writeFile(path, content);
    return path;
  }

  const config = {
    connectionMode: { type: 'local', endpoint: 'ws://db:8000' },
    credentials: { username: 'root', password: 'hunter2' },
    namespace: 'shop',
    database: 'orders',
    poolConfig: { idleTimeout: '1m30s', maxLifetime: null, retryPolicy: { maxAttempts: 5 } },
  };

  test('gives the configuration in the long form, as it was written', async () => {
    const path = await file(JSON.stringify(config));
    expect(await configFromFile(path)).toEqual(config);
    expect(await configFromFile(pathToFileURL(path))).toEqual(config);
    expect(resolveConfig(await configFromFile(path)).pool).toMatchObject({ idleTimeout: 90_000, maxLifetime: 0 });
  });

  test('may begin with a byte order mark', async () => {
    expect(await configFromFile(await file(`\uFEFF${JSON.stringify(config)}`))).toEqual(config);
  });

  test('is named in the error when it holds something that is not allowed', async () => {
    const path = await file(JSON.stringify({ ...config, namespace: '', poolConfig: { maxConection: 3 }, logger: {} }));
    const error = await laterRefusalOf(() => configFromFile(path));
    expect(error.message).toContain(`The file ${path} cannot be used`);
    expect(error.issues.map(({ path }) => path)).toEqual(['namespace', 'poolConfig.maxConection', 'logger']);
  });

  test('that does not exist is refused with its name and the cause', async () => {
    const path = join(folder, 'nowhere.json');
    const error = await laterRefusalOf(() => configFromFile(path));
    expect(error.message).toContain(path);
    expect(issueAt(error, 'file').given).toContain('ENOENT');
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
    expect(issueAt(await laterRefusalOf(() => configFromFile(folder)), 'file').given).toContain('EISDIR');
  });

  test.each([
    ['', 1, 1],
    ['{', 1, 2],
    ['{\n  "a": 1,\n}', 3, 1],
    ['{\n  "a" 1\n}', 2, 7],
    ['{ "password": hunter2 }', 1, 15],
    ['{ password: "hunter2" }', 1, 3],
    ['{ "password": "hunter2', 1, 15],
    ["{ 'password': 'hunter2' }", 1, 3],
    ['{ "a": "hunter2" "b": 1 }', 1, 18],
    ['{ "a": [1, 2, { "b": null }], "c": tru }', 1, 36],
    ['// comment\n{}', 1, 1],
    ['{} {}', 1, 4],
    ['{ "a": 01 }', 1, 9],
    ['{ "a": "\\x" }', 1, 8],
    ['{ "a": "line\nbreak" }', 1, 8],
    ['[1 2]', 1, 4],
    ['{\r\n "a": \t -1.5e+3, "\\u00e9\\n": [] ]', 2, 33],
  ])('with %j in it is refused at line %d, column %d, without a word of it', async (content, line, column) => {
    const path = await file(content);
    const error = await laterRefusalOf(() => configFromFile(path));
    expect(issueAt(error, 'file').given).toBe(`something that is not JSON at line ${line}, column ${column}`);
    expect(error.message).toContain(path);
    expect(inspect(error)).not.toContain('hunter2');
  });
});

describe('the environment', () => {
  const required = {
    SURREAL_POOL_URL: 'ws://db:8000',
    SURREAL_POOL_NAMESPACE: 'shop',
    SURREAL_POOL_DATABASE: 'orders',
  };

  test('gives the configuration in the long form', () => {
    const config = configFromEnvironment({
      ...required,
      SURREAL_POOL_USERNAME: 'root',
      SURREAL_POOL_PASSWORD: '12345',
      SURREAL_POOL_MAX_CONNECTIONS: '7',
      SURREAL_POOL_IDLE_TIMEOUT: '5m',
      SURREAL_POOL_OPEN_TIMEOUT: '1500',
      SURREAL_POOL_MAX_WAITERS: 'null',
      SURREAL_POOL_FAIL_FAST: 'false',
      SURREAL_POOL_RETRY_POLICY_MAX_ATTEMPTS: '5',
      SURREAL_POOL_RETRY_POLICY_MULTIPLIER: '2.5',
      HOME: '/somewhere/else',
    });
    expect(config).toEqual({
      connectionMode: { type: 'local', endpoint: 'ws://db:8000/rpc' },
      namespace: 'shop',
      database: 'orders',
      credentials: { username: 'root', password: '12345' },
      poolConfig: {
        maxConnections: 7,
        idleTimeout: '5m',
        openTimeout: 1500,
        maxWaiters: null,
        failFast: false,
        retryPolicy: { maxAttempts: 5, multiplier: 2.5 },
      },
    });
    const short = resolveOptions('ws://db:8000', {
      namespace: 'shop',
      database: 'orders',
      credentials: { username: 'root', password: '12345' },
      ...config.poolConfig,
    });
    expect(resolveConfig(config)).toEqual(short);
  });

  test.each([
    ['mem://', { type: 'in-memory' }],
    ['surrealkv://data', { type: 'embedded', path: 'surrealkv://data' }],
    ['wss://db', { type: 'local', endpoint: 'wss://db/rpc' }],
  ])('turns %s into a connection mode', (url, connectionMode) => {
    expect(configFromEnvironment({ ...required, SURREAL_POOL_URL: url })).toEqual({
      connectionMode,
      namespace: 'shop',
      database: 'orders',
    });
  });

  test('keeps a text that looks like something else, where a text is wanted', () => {
    const environment = { ...required, SURREAL_POOL_NAMESPACE: '1', SURREAL_POOL_DATABASE: 'true' };
    expect(configFromEnvironment({ ...environment, SURREAL_POOL_TOKEN: 'null' })).toMatchObject({
      namespace: '1',
      database: 'true',
      credentials: { token: 'null' },
    });
  });

  test('takes an empty variable for one that is not set', () => {
    const environment = { SURREAL_POOL_MAX_CONNECTIONS: '', SURREAL_POOL_TOKEN: '', SURREAL_POOL_USERNAME: undefined };
    expect(configFromEnvironment({ ...required, ...environment })).toEqual(configFromEnvironment(required));
    const error = refusalOf(() => configFromEnvironment({ ...required, SURREAL_POOL_DATABASE: '' }));
    expect(error.issues).toMatchObject([{ path: 'SURREAL_POOL_DATABASE', given: 'nothing' }]);
  });

  test('is the one of the process unless another is given', () => {
    for (const [name, value] of Object.entries(required)) vi.stubEnv(name, value);
    expect(configFromEnvironment()).toEqual(configFromEnvironment(required));
    vi.unstubAllEnvs();
  });

  test('is refused in its own names, everything at once', () => {
    const error = refusalOf(() =>
      configFromEnvironment({
        SURREAL_POOL_URL: 'http://db',
        SURREAL_POOL_NAMESPACE: 'shop',
        SURREAL_POOL_USERNAME: 'root',
        SURREAL_POOL_MIN_CONNECTIONS: '30',
        SURREAL_POOL_FAIL_FAST: 'yes',
        SURREAL_POOL_RETRY_POLICY_MULTIPLIER: '0',
        SURREAL_POOL_MAX_CONECTIONS: '3',
        SURREAL_POOL_SOMETHING: '3',
        'SURREAL_POOL_a.b\nc': '3',
      }),
    );
    expect(error.message).toContain('The environment cannot be used');
    expect(error.issues.map(({ path }) => path).sort()).toEqual([
      'SURREAL_POOL_DATABASE',
      'SURREAL_POOL_FAIL_FAST',
      'SURREAL_POOL_MAX_CONECTIONS',
      'SURREAL_POOL_MIN_CONNECTIONS',
      'SURREAL_POOL_PASSWORD',
      'SURREAL_POOL_RETRY_POLICY_MULTIPLIER',
      'SURREAL_POOL_SOMETHING',
      'SURREAL_POOL_URL',
      'SURREAL_POOL_a.b\\nc',
    ]);
    expect(issueAt(error, 'SURREAL_POOL_FAIL_FAST').given).toBe('"yes"');
    expect(issueAt(error, 'SURREAL_POOL_MAX_CONECTIONS').allowed).toContain('SURREAL_POOL_MAX_CONNECTIONS (did you');
    expect(issueAt(error, 'SURREAL_POOL_SOMETHING').allowed).toContain('SURREAL_POOL_URL, SURREAL_POOL_NAMESPACE');
  });

  test('may hold the token of the live page, which is for top', () => {
    const environment = { ...required, SURREAL_POOL_CONSOLE_TOKEN: 'a-token-of-this-test' };
    expect(configFromEnvironment(environment)).toEqual(configFromEnvironment(required));
  });

  test('may hold what Kubernetes makes for a service named surreal-pool, or whose name begins so', () => {
    const made = (service: string): Record<string, string> => ({
      [`${service}_SERVICE_HOST`]: '10.0.0.1',
      [`${service}_SERVICE_PORT`]: '8000',
      [`${service}_SERVICE_PORT_WS`]: '8000',
      [`${service}_SERVICE_PORT_HTTP_2`]: '8001',
      [`${service}_PORT`]: 'tcp://10.0.0.1:8000',
      [`${service}_PORT_8000_TCP`]: 'tcp://10.0.0.1:8000',
      [`${service}_PORT_8000_TCP_PROTO`]: 'tcp',
      [`${service}_PORT_8000_TCP_PORT`]: '8000',
      [`${service}_PORT_8000_TCP_ADDR`]: '10.0.0.1',
      [`${service}_PORT_53_UDP_ADDR`]: '10.0.0.1',
    });
    const environment = { ...required, ...made('SURREAL_POOL'), ...made('SURREAL_POOL_BLUE') };
    expect(configFromEnvironment(environment)).toEqual(configFromEnvironment(required));
  });

  test.each([
    ['SURREAL_POOL_PORT', '8000'],
    ['SURREAL_POOL_HOST', 'db'],
    ['SURREAL_POOL_SERVICE', 'db'],
    ['SURREAL_POOL_PORT_8000', '8000'],
    ['SURREAL_POOL_SERVICE_HOSTS', 'db'],
  ])('is refused for %s=%s, which Kubernetes does not make', (name, value) => {
    const error = refusalOf(() => configFromEnvironment({ ...required, [name]: value }));
    expect(error.issues.map(({ path }) => path)).toEqual([name]);
  });

  test('cannot hold a token beside a password', () => {
    const error = refusalOf(() =>
      configFromEnvironment({ ...required, SURREAL_POOL_TOKEN: 't', SURREAL_POOL_USERNAME: 'u' }),
    );
    expect(issueAt(error, 'SURREAL_POOL_TOKEN').given).toContain('several kinds');
  });

  test('has a name for every option, in upper snake case', () => {
    expect(environmentVariables.get('SURREAL_POOL_URL')).toBe('connectionMode');
    expect(environmentVariables.get('SURREAL_POOL_IDLE_TIMEOUT')).toBe('poolConfig.idleTimeout');
    expect(environmentVariables.get('SURREAL_POOL_RETRY_POLICY_MAX_ATTEMPTS')).toBe(
      'poolConfig.retryPolicy.maxAttempts',
    );
    for (const name of environmentVariables.keys()) expect(name).toMatch(/^SURREAL_POOL(_[A-Z]+)+$/);
  });
});
