import { describe, expect, test } from 'vitest';
import { loadHelp, readLoadOptions, scenariosHelp } from '../../src/cli/load-options.js';
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
      endpoint: 'mem://',
      endpointIsOfEnvironment: false,
      namespace: 'load',
      database: 'load',
      credentials: null,
      minConnections: undefined,
      maxConnections: 20,
      demand: { workers: 32 },
      duration: 30_000,
      mix: { read: 80, write: 20 },
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

  test.each(['workers', 'rate', 'mix', 'pool-max', 'pool-min', 'assert', 'progress'])(
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

test('the help fits a terminal and names every option', () => {
  const lines = loadHelp().split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines.length).toBeLessThanOrEqual(25);
  for (const option of ['endpoint', 'username', 'rate', 'mix', 'pool-max', 'assert', 'json', 'progress']) {
    expect(loadHelp()).toContain(`--${option} `);
  }
});
