import { beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/cli/diagnosis.js';
import { diagnoseOpenFiles } from '../../src/cli/doctor-surroundings.js';
import { resolveOptions } from '../../src/config/resolve.js';
import { surroundings } from '../support/surroundings.js';
import { type Outcome, run } from './command.js';

const place = { namespace: 'app', database: 'main' };

const own = surroundings();

beforeAll(() => own.engine.query('DEFINE TABLE person', place));

const user = { SURREAL_POOL_USERNAME: 'root', SURREAL_POOL_PASSWORD: 'secret' };

function doctor(url: string, environment: Record<string, string> = {}, ...parameters: string[]): Promise<Outcome> {
  const names = { SURREAL_POOL_URL: url, SURREAL_POOL_NAMESPACE: 'app', SURREAL_POOL_DATABASE: 'main' };
  return run(['doctor', ...parameters], { ...names, SURREAL_POOL_MAX_CONNECTIONS: '4', ...environment });
}

function findings({ stdout }: Outcome): Record<string, Diagnosis> {
  const { findings } = JSON.parse(stdout) as { findings: Diagnosis[] };
  return Object.fromEntries(findings.map((one) => [one.subject, one]));
}

describe('the doctor', () => {
  test('finds that a pool works, in one screen, and leaves nothing open', async () => {
    const front = await own.listen({ auth: true });
    const { code, stdout, stderr } = await doctor(front.url, user);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^A pool works with ws:.* app\/main/);
    expect(stdout).toMatch(/^✓ session +signed in as the user root of the root, in app\/main with 1 table$/m);
    expect(stdout).toMatch(/^✓ server +SurrealDB 3\./m);
    expect(stdout).toMatch(/^✓ latency +50 calls, one after another: .* at p50, .* at p99$/m);
    expect(stdout).toMatch(/^✓ size +4 connections open in /m);
    const lines = stdout.split('\n');
    expect(lines.length).toBeLessThanOrEqual(24);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).not.toContain('secret');
    expect(front.connections).toBe(0);
  });

  test('tells everything as JSON', async () => {
    const front = await own.listen({ auth: true });
    const outcome = await doctor(front.url, user, '--json');
    expect(outcome.code).toBe(0);
    const found = findings(outcome);
    expect(Object.keys(found)).toEqual([
      ...['versions', 'open files', 'reach', 'server', 'session', 'latency', 'clocks', 'size'],
    ]);
    expect(found.clocks).toMatchObject({ level: 'ok' });
  });

  test('looks into a database inside the process, too', async () => {
    const outcome = await doctor('mem://', {}, '--json');
    expect(outcome.code).toBe(0);
    expect(findings(outcome).size).toMatchObject({ level: 'ok' });
  });

  test('takes options before the environment', async () => {
    const front = await own.listen();
    const options = ['--json', '--endpoint', front.url, '--pool-max', '2'];
    const found = findings(await doctor('ws://127.0.0.1:1', {}, ...options));
    expect(found.reach).toMatchObject({ level: 'ok' });
    expect(found.size?.text).toMatch(/^2 connections open/);
  });
});

describe('what is wrong is told with what to do, and exits 1', () => {
  test('a server that is not there', async () => {
    const { code, stdout } = await doctor('ws://127.0.0.1:1');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^A pool does not work with ws:/);
    expect(stdout).toMatch(/^✗ reach +127\.0\.0\.1:1 accepts no socket: .*ECONNREFUSED/m);
    expect(stdout).toMatch(/^ +→ start the server/m);
  });

  test('a wrong password, which is not shown', async () => {
    const front = await own.listen({ auth: true });
    const outcome = await doctor(front.url, { ...user, SURREAL_POOL_PASSWORD: 'hunter2' }, '--json');
    expect(outcome.code).toBe(1);
    expect(findings(outcome).session).toMatchObject({ level: 'failure', advice: expect.stringContaining('password') });
    expect(outcome.stdout + outcome.stderr).not.toContain('hunter2');
  });

  test('nobody who signs in where a user is wanted', async () => {
    const front = await own.listen({ auth: true });
    const outcome = await doctor(front.url, {}, '--json');
    expect(outcome.code).toBe(1);
    expect(findings(outcome).session).toMatchObject({
      level: 'failure',
      advice: expect.stringContaining('name a user'),
    });
  });

  test('a server that takes fewer connections than the pool may open', async () => {
    const front = await own.listen();
    Object.defineProperty(front, 'refuse', { get: () => front.connections >= 2 });
    const outcome = await doctor(front.url, { SURREAL_POOL_CONNECTION_TIMEOUT: '1s' }, '--json');
    expect(outcome.code).toBe(1);
    expect(findings(outcome).size).toMatchObject({
      level: 'failure',
      text: expect.stringMatching(/^only \d of 4 connections could be had: /),
    });
  });
});

test('options and a configuration that cannot be used exit 2, with the option for each variable', async () => {
  const { code, stderr } = await run(['doctor'], { SURREAL_POOL_NAMESPACE: 'app' });
  expect(code).toBe(2);
  expect(stderr).toContain('--endpoint or SURREAL_POOL_URL: given nothing');
  expect(stderr).toContain('--database or SURREAL_POOL_DATABASE: given nothing');
  expect(await run(['doctor', '--enpoint', 'x'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--endpoint (did you mean that?)'),
  });
  expect(await run(['doctor', '--file', 'pool.json', '--pool-max', '3'])).toMatchObject({ code: 2 });
});

test('fewer files than the pool may need are a warning with the number that is enough', () => {
  const config = resolveOptions('ws://db:8000', { namespace: 'app', database: 'main', maxConnections: 500 });
  expect(diagnoseOpenFiles(config, 10_000)).toMatchObject({ level: 'ok' });
  expect(diagnoseOpenFiles(config, 256)).toMatchObject({
    level: 'warning',
    advice: 'raise the limit to 564 or more (ulimit -n), or lower maxConnections',
  });
  expect(diagnoseOpenFiles(config, undefined)).toMatchObject({ level: 'ok' });
});
