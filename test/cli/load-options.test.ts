import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadHelp, scenariosHelp } from '../../src/cli/load-help.js';
import { readLoadOptions } from '../../src/cli/load-options.js';
import { scenarios } from '../../src/cli/scenarios/all.js';
import { ConfigurationError, type ConfigurationIssue } from '../../src/errors/configuration.js';

function read(...parameters: string[]) {
  return readLoadOptions(parameters, {});
}

function issuesOf(
  parameters: readonly string[],
  environment: Record<string, string> = {},
): readonly ConfigurationIssue[] {
  try {
    readLoadOptions(parameters, environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues;
    throw error;
  }
  return [];
}

describe('what is not given', () => {
  test('has a default', () => {
    expect(read()).toEqual({
      endpoints: null,
      addresses: ['mem://'],
      endpoint: 'mem://',
      endpointIsOfEnvironment: false,
      namespace: 'load',
      database: 'load',
      credentials: null,
      minConnections: undefined,
      maxConnections: 20,
      demand: { workers: 32 },
      agents: null,
      duration: 10_000,
      operations: null,
      mix: { read: 80, write: 20 },
      statements: null,
      singleCalls: false,
      sweep: false,
      record: undefined,
      replay: null,
      seed: expect.any(Number),
      assertions: [],
      json: false,
      progress: 1_000,
    });
  });
});

describe('the database', () => {
  const url = 'ws://db:8000';

  test('is that of SURREAL_POOL_URL, where none is given', () => {
    expect(readLoadOptions([], { SURREAL_POOL_URL: url })).toMatchObject({
      endpoint: 'ws://db:8000/rpc',
      endpointIsOfEnvironment: true,
    });
    expect(readLoadOptions(['--endpoint', 'mem://'], { SURREAL_POOL_URL: url })).toMatchObject({
      endpoint: 'mem://',
      endpointIsOfEnvironment: false,
    });
    expect(readLoadOptions([], { SURREAL_POOL_URL: '' })).toMatchObject({ endpoint: 'mem://' });
  });

  test('is refused by the name of the variable when that holds none', () => {
    expect(issuesOf([], { SURREAL_POOL_URL: 'http://db' })).toMatchObject([
      { path: '--endpoint', given: expect.stringContaining('by SURREAL_POOL_URL') },
    ]);
  });
});

describe('several servers', () => {
  const addresses = ['ws://a:8000/rpc', 'wss://b/rpc'];

  test.each([
    ['in one option', ['--endpoint', 'ws://a:8000, wss://b'], {}],
    ['in several', ['--endpoint', 'ws://a:8000', '-e', 'wss://b'], {}],
    ['by the environment', [], { SURREAL_POOL_URL: 'ws://a:8000,wss://b' }],
  ])('are given %s', (_, parameters, environment) => {
    expect(readLoadOptions(parameters, environment)).toMatchObject({
      addresses,
      endpoint: 'ws://a:8000/rpc, wss://b/rpc',
    });
  });

  test('are told without what may be secret in their addresses', () => {
    expect(read('--endpoint', 'ws://a/rpc?token=hunter2,ws://b')).toMatchObject({
      addresses: ['ws://a/rpc?token=hunter2', 'ws://b/rpc'],
      endpoint: 'ws://a/rpc, ws://b/rpc',
    });
  });

  test.each([
    ['mem://', 'stands in no list'],
    ['http://b', 'wss://<host>'],
    ['', 'wss://<host>'],
  ])('are servers: %j is none', (other, allowed) => {
    expect(issuesOf(['--endpoint', `ws://a:8000,${other}`])).toMatchObject([
      { path: '--endpoint', allowed: expect.stringContaining(allowed) },
    ]);
  });
});

describe('servers of its own', () => {
  test('have four connections each, calls at a rate, and half a minute', () => {
    expect(read('--endpoints', '3')).toMatchObject({
      endpoints: 3,
      maxConnections: 12,
      demand: { rate: 200 },
      duration: 30_000,
    });
    expect(read('--endpoints', '3', '--workers', '8', '--pool-max', '6', '--duration', '20s')).toMatchObject({
      maxConnections: 6,
      demand: { workers: 8 },
      duration: 20_000,
    });
  });

  test('are used although the environment has a database', () => {
    expect(readLoadOptions(['--endpoints', '3'], { SURREAL_POOL_URL: 'ws://db:8000' })).toMatchObject({
      endpoints: 3,
      addresses: ['mem://'],
      endpointIsOfEnvironment: false,
    });
  });

  test.each([
    ['1', 'how many servers to start, from 2 to 9'],
    ['10', 'how many servers to start, from 2 to 9'],
    [
      'ws://a:8000',
      'how many servers to start, from 2 to 9; the addresses of servers that are there are for --endpoint',
    ],
  ])('are not %s', (given, allowed) => {
    expect(issuesOf(['--endpoints', given])).toEqual([{ path: '--endpoints', given: JSON.stringify(given), allowed }]);
  });

  test.each([
    ['endpoint', 'ws://a'],
    ['operations', '5'],
    ['mix', 'read=1'],
    ['query', 'RETURN 1'],
    ['agents', '3'],
    ['scenario', 'bursts'],
    ['pool-min', '1'],
    ['assert', 'errors=0'],
  ])('bring their load, so --%s is refused beside them', (name, value) => {
    expect(issuesOf(['--endpoints', '3', `--${name}`, value])).toContainEqual({
      path: `--${name}`,
      given: 'with --endpoints',
      allowed: 'without --endpoints, which has a database and a load of its own',
    });
  });

  test.each([
    ['--duration', '5s', 'at least 20 s, so that each thing that happens has its time'],
    ['--pool-max', '2', 'at least one for each of the 3 servers'],
  ])('need more than %s %s', (option, value, allowed) => {
    expect(issuesOf(['--endpoints', '3', option, value])).toMatchObject([{ path: option, allowed }]);
  });
});

describe('a scenario', () => {
  test('goes on for five seconds where that is up to it, or for as long as it is told', () => {
    expect(read('--scenario', 'bursts')).toMatchObject({ scenario: 'bursts', duration: 5_000 });
    expect(read('--scenario', 'bursts', '--duration', '1s')).toMatchObject({ duration: 1_000 });
  });

  test('that nobody knows is refused with the one that was meant', () => {
    expect(issuesOf(['--scenario', 'burst'])).toEqual([
      { path: '--scenario', given: '"burst"', allowed: 'bursts (did you mean that?)' },
    ]);
  });

  test.each(['workers', 'rate', 'operations', 'mix', 'query', 'pool-max', 'pool-min', 'seed', 'assert', 'progress'])(
    'brings its own, so --%s is refused beside it',
    (name) => {
      const value = { mix: 'read=1', assert: 'errors=0', progress: '1s' }[name] ?? '3';
      expect(issuesOf(['--scenario', 'bursts', `--${name}`, value])).toEqual([
        { path: `--${name}`, given: 'with --scenario', allowed: 'without --scenario, which brings its own' },
      ]);
    },
  );

  test('is in the list of them, each on one line of a terminal', () => {
    expect(read('--scenario', 'list')).toMatchObject({ scenario: 'list' });
    const lines = scenariosHelp().split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    const narrow = scenariosHelp(40).split('\n').slice(2);
    expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(40);
    for (const name of Object.keys(scenarios)) {
      expect(lines.filter((line) => line.startsWith(`  ${name} `))).toHaveLength(1);
    }
  });
});

describe('what is given', () => {
  test('counts', () => {
    const line =
      '--endpoint ws://db:8000 --namespace shop --database=orders --username root --password secret --workers 8 ' +
      '--duration 1m30s --mix write=1,read=3 --pool-max 4 --pool-min 0 --json --progress 0 --assert errors=0,closed<2';
    expect(read(...line.split(' '))).toMatchObject({
      endpoint: 'ws://db:8000/rpc',
      namespace: 'shop',
      database: 'orders',
      credentials: { username: 'root', password: 'secret' },
      minConnections: 0,
      maxConnections: 4,
      demand: { workers: 8 },
      duration: 90_000,
      mix: { read: 3, write: 1 },
      assertions: [{ metric: 'errors' }, { metric: 'closed' }],
      json: true,
      progress: 0,
    });
  });

  test('a rate stands instead of workers', () => {
    expect(read('--rate', '500')).toMatchObject({ demand: { rate: 500 } });
    expect(read('--rate=0.5/s')).toMatchObject({ demand: { rate: 0.5 } });
    expect(issuesOf(['--rate', '500', '--workers', '8'])).toMatchObject([{ path: '--workers', given: 'with --rate' }]);
  });

  test('more than once: the last counts, and all assertions', () => {
    expect(read('--workers', '8', '--workers', '9')).toMatchObject({ demand: { workers: 9 } });
    expect(read('--assert', 'errors=0', '--assert', 'closed=0')?.assertions).toHaveLength(2);
  });

  test('a mix of one kind leaves the other out', () => {
    expect(read('--mix', 'write=1')?.mix).toEqual({ read: 0, write: 1 });
  });

  test('help comes before anything else', () => {
    expect(read('--help', '--nonsense')).toBeUndefined();
  });
});

describe('short options', () => {
  test('are those of the tools that measure other servers', () => {
    const line = '-e ws://db:8000 -u root -p secret -c 8 -d 10s -n 500 -j -P 0';
    expect(read(...line.split(' '))).toMatchObject({
      endpoint: 'ws://db:8000/rpc',
      credentials: { username: 'root', password: 'secret' },
      demand: { workers: 8 },
      duration: 10_000,
      operations: 500,
      json: true,
      progress: 0,
    });
    expect(read('-R', '500', '-d5s')).toMatchObject({ demand: { rate: 500 }, duration: 5_000 });
    expect(read('-h')).toBeUndefined();
  });

  test('of another case, or with another short option in the place of a value, are refused', () => {
    expect(issuesOf(['-C', '8'])).toEqual([
      { path: '-C', given: 'an unknown option', allowed: '-c (did you mean that?)' },
    ]);
    expect(issuesOf(['-c', '-d', '5s'])[0]).toEqual({ path: '-c', given: 'no value', allowed: '-c <count>' });
  });

  test.each([
    ['--clients', '--workers'],
    ['--connections', '--workers'],
    ['--vus', '--workers'],
    ['--qps', '--rate'],
    ['--ns', '--namespace'],
    ['-z', '--duration'],
  ])('%s of another tool is answered with %s', (other, ours) => {
    expect(issuesOf([other, '3'])).toEqual([
      { path: other, given: 'an unknown option', allowed: `${ours} (did you mean that?)` },
    ]);
  });

  test('a time without a unit is answered with the one in seconds', () => {
    expect(issuesOf(['-d', '10'])[0]?.allowed).toBe('a time with its unit: 10s (did you mean that?)');
  });
});

describe('a number of operations', () => {
  test('ends the load without a duration, or with one whichever comes first', () => {
    expect(read('--operations', '100')).toMatchObject({ operations: 100, duration: null });
    expect(read('--operations', '100', '--duration', '1s')).toMatchObject({ operations: 100, duration: 1_000 });
  });
});

describe('own statements', () => {
  const folder = mkdtempSync(join(tmpdir(), 'surreal-pool-'));
  const file = join(folder, 'reads.surql');
  writeFileSync(file, '\uFEFFSELECT 1;\nSELECT 2;\n');

  test('are texts and files, each with its weight', () => {
    expect(read('--query', 'RETURN $i', '--file', `${file}@3`, '--query', 'RETURN $rand')?.statements).toEqual([
      { name: 'query 1', text: 'RETURN $i', weight: 1 },
      { name: 'query 2', text: 'RETURN $rand', weight: 1 },
      { name: 'reads.surql', text: 'SELECT 1;\nSELECT 2;\n', weight: 3 },
    ]);
  });

  test('go where they are meant to, so a database that keeps anything has to be named', () => {
    const statement = ['--query', 'RETURN 1', '--endpoint', 'ws://db:8000'];
    expect(issuesOf(statement).map(({ path }) => path)).toEqual(['--namespace', '--database']);
    expect(issuesOf([...statement, '--namespace', 'shop', '--database', 'orders'])).toEqual([]);
  });

  test.each([
    ['--query', ' ', 'an empty text'],
    ['--file', '/no/such/file.surql', '"/no/such/file.surql", which cannot be read (ENOENT)'],
    ['--file', `${file}@0`, 'the weight "0"'],
  ])('%s %s is refused', (option, value, given) => {
    expect(issuesOf([option, value])).toMatchObject([{ path: option, given }]);
  });

  test('are no mix', () => {
    expect(issuesOf(['--query', 'RETURN 1', '--mix', 'read=1'])).toMatchObject([{ path: '--mix' }]);
  });
});

describe('a sweep', () => {
  test('tries sizes of the pool up to 64, or to --pool-max', () => {
    expect(read('--sweep')).toMatchObject({ sweep: true, maxConnections: 64 });
    expect(read('--sweep', '--pool-max', '8', '--seed', '7')).toMatchObject({ maxConnections: 8, seed: 7 });
  });

  test.each([
    ['rate', '5'],
    ['operations', '5'],
    ['pool-min', '1'],
    ['assert', 'errors=0'],
    ['scenario', 'bursts'],
  ])('is not made with --%s', (name, value) => {
    expect(issuesOf(['--sweep', `--${name}`, value]).length).toBeGreaterThan(0);
  });
});

describe('agents', () => {
  test('have a tenth that is greedy, three workers each, and no limits, unless told otherwise', () => {
    expect(read('--agents', '50')).toMatchObject({
      agents: { count: 50, greedy: 5, think: 100, weights: [1], limits: {} },
      demand: { workers: 150 },
    });
    expect(read('--agents', '3')).toMatchObject({ agents: { count: 3, greedy: 1 }, demand: { workers: 32 } });
  });

  test('are as they are told to be', () => {
    const line =
      '--agents 8 --workers 8 --greedy 0 --think 2s --weights 1,0.5 --agent-limit maxConnections=2,atMaxConnections=wait ' +
      '--agent-limit operationsPerSecond=0.5,queryTimeout=5s';
    const limits = { maxConnections: 2, atMaxConnections: 'wait', operationsPerSecond: 0.5, queryTimeout: 5_000 };
    const agents = { count: 8, greedy: 0, think: 2_000, weights: [1, 0.5] };
    const options = read(...line.split(' '));
    expect(options).toMatchObject({ agents, demand: { workers: 8 } });
    expect(options?.agents?.limits).toMatchObject({ ...limits, queryTimeout: expect.anything() });
  });

  test.each([
    [
      '--agents 50 --workers 49',
      '--workers',
      '49',
      'at least --agents, which is 50: each agent has a worker of its own',
    ],
    ['--agents 50 --greedy 51', '--greedy', '51', 'at most --agents, which is 50'],
    ['--agents 2 --weights 1,2,3', '--weights', '3', 'at most as many as --agents, which is 2'],
    ['--agents 2 --weights 1,0', '--weights', '"1,0"', 'numbers of more than 0, separated by commas, such as 1,1,4'],
    ['--agents 2 --weights 1,', '--weights', '"1,"', 'numbers of more than 0, separated by commas, such as 1,1,4'],
    [
      '--agents 2 --greedy 2 --think 1s',
      '--think',
      'all 2 greedy',
      'only with agents that are not greedy: see --greedy',
    ],
    ['--agents 0', '--agents', '"0"', 'a whole number, at least 1'],
    ['--agents 10001', '--agents', '"10001"', 'at most 10000'],
    ['--agents 2 --rate 5', '--rate', 'with --agents', 'without --agents, whose callers are workers'],
    ['--greedy 1', '--greedy', 'without it', 'only with --agents'],
    ['--think 1s', '--think', 'without it', 'only with --agents'],
    ['--weights 1', '--weights', 'without it', 'only with --agents'],
    ['--agent-limit maxRows=1', '--agent-limit', 'without it', 'only with --agents'],
    ['--agents 2 --scenario bursts', '--agents', 'with --scenario', 'without --scenario, which brings its own'],
    [
      '--agents 2 --sweep',
      '--agents',
      'with --sweep',
      'without --sweep, which is a load by workers, for a time, with sizes of its own',
    ],
  ])('%s is refused', (line, path, given, allowed) => {
    expect(issuesOf(line.split(' '))).toEqual([{ path, given, allowed }]);
  });

  test.each([
    ['maxConections=2', 'maxConections an unknown option', 'maxConnections (did you mean that?)'],
    ['maxConnections=0', 'maxConnections 0', 'a whole number, at least 1'],
    ['maxConnections=many', 'maxConnections "many"', 'a whole number, at least 1'],
    ['atMaxConnections=stay', 'atMaxConnections "stay"', '"refuse", "wait"'],
    ['burst=3', 'burst 3', 'only together with operationsPerSecond'],
    ['maxConnections', '"maxConnections"', 'names with values, such as maxConnections=2,operationsPerSecond=50'],
    ['maxRows=1,', 'an empty text', 'names with values, such as maxConnections=2,operationsPerSecond=50'],
  ])('with the limit %s are refused in the words of the reader of limits', (limit, given, allowed) => {
    expect(issuesOf(['--agents', '2', '--agent-limit', limit])).toEqual([{ path: '--agent-limit', given, allowed }]);
  });
});

describe('who signs in', () => {
  const environment = { SURREAL_POOL_USERNAME: 'root', SURREAL_POOL_PASSWORD: 'secret' };

  test('may stand in the environment', () => {
    expect(readLoadOptions([], environment)?.credentials).toEqual({ username: 'root', password: 'secret' });
  });

  test('is an option before it is the environment', () => {
    expect(readLoadOptions(['--username', 'ada'], environment)?.credentials).toEqual({
      username: 'ada',
      password: 'secret',
    });
  });

  test('is nobody when the environment is empty', () => {
    expect(readLoadOptions([], { SURREAL_POOL_USERNAME: '', SURREAL_POOL_PASSWORD: '' })?.credentials).toBeNull();
  });

  test('a user in the address is sent to the options for it, and not repeated', () => {
    const [issue, ...others] = issuesOf(['--endpoint', 'ws://ada:hunter2@db:8000']);
    expect(others).toEqual([]);
    expect(issue).toMatchObject({ path: '--endpoint', given: '"ws://…" with a user in it' });
    expect(issue?.allowed).toMatch(/--username and --password$/);
  });

  test('has both a name and a password', () => {
    expect(issuesOf(['--username', 'root'])).toMatchObject([{ path: '--password', given: 'only a username' }]);
    expect(issuesOf([], { SURREAL_POOL_PASSWORD: 'secret' })).toMatchObject([{ path: '--username' }]);
    expect(issuesOf(['--username', 'root', '--password='])).toMatchObject([
      { path: '--password', given: 'an empty text' },
    ]);
  });
});

describe('what cannot be used', () => {
  test.each([
    ['--workers', '0'],
    ['--workers', '2.5'],
    ['--workers', '-3'],
    ['--pool-max', '0'],
    ['--pool-min', 'none'],
    ['--rate', '0'],
    ['--rate', '2000000'],
    ['--duration', '30'],
    ['--duration', '0s'],
    ['--progress', '-1s'],
    ['--mix', 'read'],
    ['--mix', 'read=0,write=0'],
    ['--mix', 'reads=80'],
    ['--namespace', ''],
    ['--endpoint', 'http://db:8000'],
    ['--assert', 'wait.p99'],
  ])('%s %s is refused, with what is allowed', (option, value) => {
    const issues = issuesOf([`${option}=${value}`]);
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatchObject({ path: option, allowed: expect.stringMatching(/./) });
  });

  test('a minimum above the maximum is refused, also above the default one', () => {
    expect(issuesOf(['--pool-min', '3', '--pool-max', '2'])).toMatchObject([{ path: '--pool-min', given: '3' }]);
    expect(issuesOf(['--pool-min', '21'])).toMatchObject([{ allowed: 'at most --pool-max, which is 20' }]);
  });

  test('an unknown option is told with the nearest one, or with all', () => {
    expect(issuesOf(['--durration', '3s'])).toEqual([
      { path: '--durration', given: 'an unknown option', allowed: '--duration (did you mean that?)' },
    ]);
    expect(issuesOf(['--frobnicate'])[0]?.allowed).toMatch(/^--endpoint, .*, --help$/);
  });

  test('an option without its value is refused, also when another option follows', () => {
    expect(issuesOf(['--duration'])).toMatchObject([{ path: '--duration', given: 'no value' }]);
    expect(issuesOf(['--duration', '--json'])).toMatchObject([{ path: '--duration', given: 'no value' }]);
  });

  test('a value for a flag, and words without an option, are refused', () => {
    expect(issuesOf(['--json=yes', 'fast'])).toMatchObject([{ path: '--json', given: '"yes"' }, { path: '"fast"' }]);
  });

  test('everything is told at once, but a password never', () => {
    const parameters = ['--workers', 'x', '--mix', 'y', '--password', 'hunter2'];
    expect(issuesOf(parameters).map(({ path }) => path)).toEqual(['--username', '--workers', '--mix']);
    expect(JSON.stringify(issuesOf(parameters))).not.toContain('hunter2');
  });
});

test.each([40, 80])('the help fits a terminal of %i columns and names every option', (columns) => {
  const lines = loadHelp(columns).split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  for (const option of [
    'agents',
    'agent-limit',
    'endpoint',
    'username',
    'rate',
    'mix',
    'pool-max',
    'assert',
    'json',
    'progress',
  ]) {
    expect(loadHelp(columns)).toMatch(new RegExp(`--${option}[ \n]`));
  }
});
