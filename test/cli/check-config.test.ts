import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { whoOf } from '../../src/cli/check-config.js';
import { run } from './command.js';

const environment = {
  SURREAL_POOL_URL: 'ws://db:8000?key=hunter2',
  SURREAL_POOL_NAMESPACE: 'shop',
  SURREAL_POOL_DATABASE: 'orders',
  SURREAL_POOL_USERNAME: 'root',
  SURREAL_POOL_PASSWORD: 'hunter2',
  SURREAL_POOL_MAX_CONNECTIONS: '7',
  SURREAL_POOL_RETRY_POLICY_MAX_ATTEMPTS: '9',
};

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'surreal-pool-')), 'pool.json');
  writeFileSync(path, text);
  return path;
}

describe('the configuration in the environment', () => {
  test('is shown as the pool takes it, with what is set, and without secrets', async () => {
    const { code, stdout, stderr } = await run(['check-config'], environment);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^• credentials +the user root of the root$/m);
    expect(stdout).toMatch(/^• maxConnections +7$/m);
    expect(stdout).toMatch(/^• retryPolicy\.maxAttempts +9$/m);
    expect(stdout).toMatch(/^ {2}connectionTimeout +10 s$/m);
    expect(stdout).toMatch(/^ {2}maxWaiters +no limit$/m);
    expect(stdout).not.toContain('hunter2');
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('is JSON when that is asked for', async () => {
    const { code, stdout } = await run(['check-config', '--json'], environment);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      url: 'ws://db:8000/rpc',
      namespace: 'shop',
      credentials: 'the user root of the root',
      pool: { maxConnections: 7, minConnections: 5, retryPolicy: { maxAttempts: 9 } },
    });
    expect(stdout).not.toContain('hunter2');
  });

  test('is refused with all its problems at once', async () => {
    const wrong = { ...environment, SURREAL_POOL_URL: 'http://db', SURREAL_POOL_MAX_CONNECTIONS: 'many' };
    const { code, stdout, stderr } = await run(['check-config'], { ...wrong, SURREAL_POOL_IDEL_TIMEOUT: '1m' });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const name of ['URL', 'MAX_CONNECTIONS', 'IDEL_TIMEOUT']) expect(stderr).toContain(`  SURREAL_POOL_${name}: `);
    expect(stderr).toContain('SURREAL_POOL_IDLE_TIMEOUT (did you mean that?)');
    expect(stderr).not.toContain('hunter2');
  });
});

describe('the configuration in a file', () => {
  const config = { connectionMode: { type: 'in-memory' }, namespace: 'shop', database: 'orders' };

  test('is read as configFromFile does, and the environment is not', async () => {
    const path = file(JSON.stringify({ ...config, poolConfig: { queryTimeout: '3s' } }));
    const { code, stdout } = await run(['check-config', '--file', path], { SURREAL_POOL_MAX_CONNECTIONS: 'many' });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^• queryTimeout +3 s$/m);
  });

  test('is refused with all its problems at once, in the words of the file', async () => {
    const path = file(JSON.stringify({ ...config, poolConfig: { maxConections: 5, idleTimeout: 'soon' } }));
    const { code, stderr } = await run(['check-config', '-f', path]);
    expect(code).toBe(2);
    expect(stderr).toContain('poolConfig.maxConnections (did you mean that?)');
    expect(stderr).toContain('poolConfig.idleTimeout: given "soon"');
  });

  test('that is not there is told', async () => {
    expect(await run(['check-config', '-f', '/no/such/file'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ENOENT'),
    });
  });
});

test('whoever signs in is told without the secret', () => {
  expect(whoOf(null)).toMatch(/anonymous/);
  expect(whoOf({ username: 'ada', password: 'hunter2', namespace: 'shop' })).toBe('the user ada of a namespace');
  expect(whoOf({ token: 'hunter2' })).toBe('by a token');
  expect(whoOf(() => ({ token: 'hunter2' }))).toBe('the user of a credentials function');
});
