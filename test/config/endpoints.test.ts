import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EndpointSource, LoadBalancingStrategy, type Target } from '../../src/config/endpoint-options.js';
import type { ConnectionMode, ResolvedConfig } from '../../src/config/options.js';
import { resolveConfig, resolveOptions } from '../../src/config/resolve.js';
import { configFromEnvironment, configFromFile } from '../../src/config/sources.js';
import { poolLabel } from '../../src/telemetry/pool-label.js';
import { issueAt, refusalOf } from './refusals.js';

const place = { namespace: 'shop', database: 'orders' };

function listOf({ endpoints }: ResolvedConfig): readonly Target[] {
  if ('list' in endpoints) return endpoints.list;
  throw new Error('not a list');
}

const refusalOfList = (...list: unknown[]) => refusalOf(() => resolveOptions(list, place));

const target = (url: string, rest: Partial<Target> = {}): Target => ({
  url,
  weight: 1,
  zone: undefined,
  priority: 0,
  ...rest,
});

describe('several servers', () => {
  const given = ['ws://a:8000', { url: 'WSS://B.example', weight: 2, zone: 'eu-1', priority: 1 }];
  const list = [target('ws://a:8000/rpc'), target('wss://b.example/rpc', { weight: 2, zone: 'eu-1', priority: 1 })];

  test('are a list of addresses and objects, in either form', () => {
    const short = resolveOptions(given, { ...place, loadBalancing: 'latency' });
    expect(short).toMatchObject({
      mode: 'remote',
      url: 'ws://a:8000/rpc',
      endpoints: { list },
      loadBalancing: 'latency',
    });
    const connectionMode = { type: 'remote', endpoints: given, loadBalancing: 'latency' };
    expect(resolveConfig({ ...place, connectionMode })).toEqual(short);
  });

  test.each<[unknown, EndpointSource, string]>([
    [
      { dns: 'surreal.internal', port: 8000 },
      { dns: 'surreal.internal', port: 8000, tls: false, family: 'any', path: '/rpc' },
      'dns://surreal.internal:8000',
    ],
    [
      { dns: 'db', port: 1, tls: true, family: 6, path: '/db/rpc' },
      { dns: 'db', port: 1, tls: true, family: 6, path: '/db/rpc' },
      'dns://db:1',
    ],
    [
      { srv: '_surreal._tcp.internal', tls: true },
      { srv: '_surreal._tcp.internal', tls: true, path: '/rpc' },
      'srv://_surreal._tcp.internal',
    ],
  ])('are looked for by %o', (endpoints, source, url) => {
    const config = resolveOptions(endpoints, place);
    expect(config).toMatchObject({ mode: 'remote', url });
    expect(config.endpoints).toEqual(source);
    expect(resolveConfig({ ...place, connectionMode: { type: 'remote', endpoints } })).toEqual(config);
  });

  test('are looked for by a function', () => {
    const discover = () => ['ws://a'];
    const config = resolveOptions({ discover }, place);
    expect(config).toMatchObject({ mode: 'remote', url: 'discover://function', endpoints: { discover } });
  });

  test('are no one server in the label of the pool', () => {
    const none = { name: 'shop/orders', serverAddress: undefined, serverPort: undefined };
    expect(poolLabel(resolveOptions(['ws://a', 'ws://b'], place))).toMatchObject(none);
    expect(poolLabel(resolveOptions({ dns: 'a', port: 1 }, place))).toMatchObject(none);
    expect(poolLabel(resolveOptions(['ws://a:8000'], place)), 'a list may grow').toMatchObject(none);
  });
});

describe('one', () => {
  test.each(['mem://', 'rocksdb://x'])('%s in a list is the same as alone', (url) => {
    expect(resolveOptions([url], place)).toEqual(resolveOptions(url, place));
  });

  test('in a list is one of several, for the list may grow', () => {
    const connectionMode = { type: 'remote', endpoints: ['ws://a'] };
    const config = resolveConfig({ ...place, connectionMode });
    expect(config).toEqual(resolveOptions(['ws://a'], place));
    expect(config.mode).toBe('remote');
  });

  test('keeps its weight and its zone', () => {
    const config = resolveOptions([{ url: 'ws://a', weight: 2, zone: 'eu' }], place);
    expect(config.mode).toBe('remote');
    expect(listOf(config)).toEqual([target('ws://a/rpc', { weight: 2, zone: 'eu' })]);
  });

  test.each(['mem://', 'ws://a', ['ws://a']])('may have a strategy, without effect: %o', (url) => {
    expect(resolveOptions(url, { ...place, loadBalancing: 'random' }).loadBalancing).toBe('random');
  });
});

describe('the strategy', () => {
  test('has two spellings', () => {
    for (const [name, strategy] of Object.entries(LoadBalancingStrategy)) {
      for (const loadBalancing of [name, strategy]) {
        expect(resolveOptions('ws://a', { ...place, loadBalancing }).loadBalancing).toBe(strategy);
      }
    }
    expect(resolveOptions('ws://a', place).loadBalancing).toBe('round-robin');
  });

  test.each(['fastest', 'roundrobin', 'toString', 1, null, ['random']])('is not %o', (loadBalancing) => {
    const { allowed } = issueAt(
      refusalOf(() => resolveOptions('ws://a', { ...place, loadBalancing })),
      'loadBalancing',
    );
    expect(allowed).toBe('"round-robin", "least-connections", "random", "health-based", "latency"');
  });

  test('stands in connectionMode in the long form', () => {
    const config = { ...place, loadBalancing: 'random', connectionMode: { type: 'remote', endpoints: ['ws://a'] } };
    const issue = issueAt(
      refusalOf(() => resolveConfig(config)),
      'loadBalancing',
    );
    expect(issue.allowed).toBe('connectionMode.loadBalancing (did you mean that?)');
  });
});

describe('a list is refused', () => {
  test('when it is empty', () => {
    expect(issueAt(refusalOfList(), 'url')).toMatchObject({ given: 'an empty list', allowed: 'at least one endpoint' });
  });

  test('when it is endless', () => {
    const issue = issueAt(
      refusalOf(() => resolveOptions(new Array(2 ** 32 - 1), place)),
      'url',
    );
    expect(issue.allowed).toBe('at most 1000 servers');
  });

  test.each(['mem://', 'rocksdb://secret', 'surrealkv://secret'])('for %s among others', (url) => {
    const { given, allowed } = issueAt(refusalOfList('ws://a', url), 'url.1');
    expect(given).toBe(`"${url.split(':')[0]}://…"`);
    expect(allowed).toMatch(/^"ws:.*; a database inside this process has one address and stands in no list$/);
  });

  test.each([
    ['ws://a', 'ws://a'],
    ['ws://a', 'WS://A:80/'],
    ['ws://a', 'wss://a:80/rpc'],
    ['wss://a', 'wss://a:443'],
    ['ws://localhost:8000', 'ws://127.0.0.1:8000'],
    ['ws://[::1]:8000', 'ws://127.0.0.1:8000'],
    ['ws://localhost:8000', 'ws://localhost.:8000'],
  ])('for %s and %s, which are one server', (one, other) => {
    const issue = issueAt(refusalOfList('ws://first', one, { url: other, weight: 2 }), 'url.2');
    expect(issue.given).toBe('the same server as item 1 of the list');
  });

  test.each([
    ['ws://a:8000', 'ws://a:8001'],
    ['ws://a/one', 'ws://a/two'],
    ['ws://127.0.0.1:8000', 'ws://127.0.0.2:8000'],
  ])('but not for %s and %s', (one, other) => {
    expect(listOf(resolveOptions([one, other], place))).toHaveLength(2);
  });

  test('for an option that no endpoint has, with those it has', () => {
    const { allowed } = issueAt(refusalOfList({ url: 'ws://a', colour: 'red' }), 'url.0.colour');
    expect(allowed).toMatch(/^url\.url, url\.weight, url\.zone, url\.priority, /);
  });

  test('for every endpoint with a problem, at its place', () => {
    const error = refusalOfList(
      'ws://root:hunter2@a',
      'http://b',
      7,
      null,
      '',
      ['ws://c'],
      {},
      'ws://ok?token=hunter2',
    );
    const paths = ['url.0', 'url.1', 'url.2', 'url.3', 'url.4', 'url.5', 'url.6.url'];
    expect(error.issues.map(({ path }) => path)).toEqual(paths);
    expect(error.message).not.toContain('hunter2');
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-300, 1e300, '1', null])('for the weight %d', (weight) => {
    const issue = issueAt(refusalOfList('ws://a', { url: 'ws://b', weight }), 'url.1.weight');
    expect(issue.allowed).toBe('a number from 0.001 to 65535');
  });

  test.each([-1, 1.5, 65_536, '0'])('for the priority %o', (priority) => {
    issueAt(refusalOfList({ url: 'ws://b', priority }), 'url.0.priority');
  });

  test.each(['', 1, null])('for the zone %o', (zone) => {
    issueAt(refusalOfList({ url: 'ws://b', zone }), 'url.0.zone');
  });

  test('for an option that is not known', () => {
    const issue = issueAt(refusalOfList('ws://a', { url: 'ws://b', wieght: 1 }), 'url.1.wieght');
    expect(issue.allowed).toBe('url.weight (did you mean that?)');
  });

  test('when it cannot be read', () => {
    const list = new Proxy(['ws://a'], {
      get(_, name) {
        throw new TypeError(`not ${String(name)}`);
      },
    });
    issueAt(
      refusalOf(() => resolveOptions(list, place)),
      'url',
    );
  });
});

describe('a name is refused', () => {
  test.each(['ws://root:hunter2@db', 'db:8000', 'a b', '', '-a', `${'a'.repeat(64)}.b`, '::1', 7])(
    'that is %o',
    (dns) => {
      const error = refusalOf(() => resolveOptions({ dns, port: 8000 }, place));
      expect(issueAt(error, 'url.dns').allowed).toMatch(/^a name alone, without scheme, port and path/);
      expect(error.message).not.toContain('hunter2');
      issueAt(
        refusalOf(() => resolveOptions({ srv: dns }, place)),
        'url.srv',
      );
    },
  );

  test('without a port, with two ways to look, and with anything else', () => {
    issueAt(
      refusalOf(() => resolveOptions({ dns: 'a' }, place)),
      'url.port',
    );
    issueAt(
      refusalOf(() => resolveOptions({ dns: 'a', port: 1, srv: 'b' }, place)),
      'url.srv',
    );
    issueAt(
      refusalOf(() => resolveOptions({ srv: 'b', port: 1 }, place)),
      'url.port',
    );
    issueAt(
      refusalOf(() => resolveOptions({ dns: 'a', port: 1, family: 5 }, place)),
      'url.family',
    );
    issueAt(
      refusalOf(() => resolveOptions({ dns: 'a', port: 1, path: 'rpc?x' }, place)),
      'url.path',
    );
    issueAt(
      refusalOf(() => resolveOptions({ discover: 'ws://a' }, place)),
      'url.discover',
    );
    issueAt(
      refusalOf(() => resolveOptions({ url: 'ws://a' }, place)),
      'url',
    );
  });
});

test('several addresses in one text are a list, says the refusal', () => {
  const issue = issueAt(
    refusalOf(() => resolveOptions('ws://a,ws://b', place)),
    'url',
  );
  expect(issue.allowed).toMatch(/several addresses are a list$/);
});

test('an option of several servers that stands elsewhere is shown its place', () => {
  const error = refusalOf(() => resolveOptions('ws://a', { ...place, endpoints: ['ws://a'] }));
  expect(issueAt(error, 'endpoints').allowed).toBe('the addresses as the first argument');
  const inMode = { type: 'local', endpoint: 'ws://a', endpoints: [] };
  issueAt(
    refusalOf(() => resolveConfig({ ...place, connectionMode: inMode })),
    'connectionMode.endpoints',
  );
});

describe('the groups', () => {
  const poolOf = (options: object) => resolveOptions('ws://a', { ...place, ...options }).pool;

  test('give way to each other', () => {
    expect(poolOf({ discovery: { refresh: '10s' } }).discovery).toEqual({ refresh: 10_000, minInterval: 10_000 });
    expect(poolOf({ discovery: { refresh: null } }).discovery).toEqual({ refresh: 0, minInterval: 30_000 });
    expect(poolOf({ discovery: { refresh: 0, minInterval: '5m' } }).discovery).toEqual({
      refresh: 0,
      minInterval: 300_000,
    });
  });

  test.each([
    ['discovery', { minInterval: '2m' }, 'at most refresh, which is 60000 ms'],
    ['discovery', { minInterval: 0 }, 'a duration of more than 0'],
    ['balancing', { spillOver: 1.1 }, 'a number from 0 to 1'],
    ['balancing', { panicBelow: -0.1 }, 'a number from 0 to 1'],
    ['balancing', { tolerance: Number.NaN }, 'a number from 0 to 1'],
    ['balancing', { zone: '' }, 'the name of a zone, or null for none'],
  ])('refuse %s: %o', (group, options, allowed) => {
    const [name] = Object.keys(options);
    const error = refusalOf(() => poolOf({ [group]: options }));
    expect(issueAt(error, `${group}.${name}`).allowed).toBe(allowed);
  });
});

describe('the environment', () => {
  const base = { SURREAL_POOL_NAMESPACE: 'shop', SURREAL_POOL_DATABASE: 'orders' };
  const modeOf = (url: string, more = {}): ConnectionMode =>
    configFromEnvironment({ ...base, SURREAL_POOL_URL: url, ...more }).connectionMode;

  test('has several addresses, separated by commas', () => {
    expect(modeOf('ws://a:8000, wss://b')).toEqual({ type: 'remote', endpoints: ['ws://a:8000/rpc', 'wss://b/rpc'] });
    expect(modeOf('ws://a')).toEqual({ type: 'local', endpoint: 'ws://a/rpc' });
    expect(modeOf('rocksdb://a,b')).toEqual({ type: 'embedded', path: 'rocksdb://a,b' });
  });

  test('has the strategy, which one server keeps for those to come', () => {
    const more = { SURREAL_POOL_LOAD_BALANCING: 'LeastConnections' };
    const loadBalancing = 'least-connections';
    expect(modeOf('ws://a', more)).toEqual({ type: 'remote', endpoints: ['ws://a/rpc'], loadBalancing });
    expect(modeOf('ws://a,ws://b', more)).toMatchObject({ type: 'remote', loadBalancing });
    expect(modeOf('mem://', more)).toEqual({ type: 'in-memory' });
    expect(configFromEnvironment({ ...base, SURREAL_POOL_URL: 'ws://a', ...more })).not.toHaveProperty('loadBalancing');
  });

  test('has the options of the groups, and a zone that may be called 1', () => {
    const config = configFromEnvironment({
      ...base,
      SURREAL_POOL_URL: 'ws://a,ws://b',
      SURREAL_POOL_BALANCING_ZONE: '1',
      SURREAL_POOL_BALANCING_PANIC_BELOW: '0.3',
      SURREAL_POOL_DISCOVERY_REFRESH: '5m',
    });
    const { pool, mode } = resolveConfig(config);
    expect(mode).toBe('remote');
    expect([pool.balancing.zone, pool.balancing.panicBelow, pool.discovery.refresh]).toEqual(['1', 0.3, 300_000]);
  });

  test('says which address is wrong', () => {
    const error = refusalOf(() => modeOf('ws://a,,ws://root:hunter2@b'));
    expect(error.issues.map(({ path }) => path)).toEqual([
      'SURREAL_POOL_URL, address 2',
      'SURREAL_POOL_URL, address 3',
    ]);
    expect(error.message).not.toContain('hunter2');
  });
});

test('a file has several servers, but no function', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'endpoints-'));
  try {
    const path = join(folder, 'pool.json');
    const connectionMode = {
      type: 'remote',
      endpoints: ['ws://a', { url: 'ws://b', weight: 2 }],
      loadBalancing: 'latency',
    };
    await writeFile(path, JSON.stringify({ ...place, connectionMode }));
    expect(resolveConfig(await configFromFile(path)).mode).toBe('remote');
    await writeFile(
      path,
      JSON.stringify({ ...place, connectionMode: { type: 'remote', endpoints: { discover: 'x' } } }),
    );
    await expect(configFromFile(path)).rejects.toThrow(
      /connectionMode\.endpoints\.discover: given a text; allowed: a function/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('what was taken is a list of different servers with weights above 0', () => {
  const host = fc.constantFrom('a', 'b', 'localhost', '127.0.0.1', '[::1]', 'A');
  const url = fc
    .tuple(fc.constantFrom('ws', 'wss'), host, fc.constantFrom('', ':80', ':443', ':8000'))
    .map(([scheme, name, port]) => `${scheme}://${name}${port}`);
  const endpoint = fc.oneof(url, fc.record({ url, weight: fc.oneof(fc.double(), fc.constantFrom(1, 2)) }));
  let taken = 0;
  fc.assert(
    fc.property(fc.array(endpoint, { minLength: 1, maxLength: 3 }), (list) => {
      let config: ResolvedConfig;
      try {
        config = resolveOptions(list, place);
      } catch {
        return;
      }
      taken++;
      const targets = listOf(config);
      expect(targets).toHaveLength(list.length);
      expect(config.url).toBe(targets[0]?.url);
      expect(config.mode).toBe('remote');
      expect(new Set(targets.map((one) => one.url)).size).toBe(list.length);
      for (const { weight } of targets) expect(weight).toBeGreaterThan(0);
      // What was taken is taken again, and means the same.
      expect(
        resolveOptions(
          targets.map(({ zone: _, ...rest }) => rest),
          place,
        ).endpoints,
      ).toEqual(config.endpoints);
    }),
    { numRuns: 500 },
  );
  expect(taken).toBeGreaterThan(50);
});
